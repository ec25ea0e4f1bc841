"""Reddit as it plays for the tests of its streams: a clock that moves when it is told to, a server that shows the test's world."""

from datetime import timedelta

import pytest
from platforms.reddit_server import RedditServer
from platforms.serving import SimulatedClock
from platforms.world import START

HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
def clock(request):
    """Give a clock that begins at the module's `BEGIN`, half a day into the world where it names none."""
    return SimulatedClock(getattr(request.module, "BEGIN", START + HALF_A_DAY))


@pytest.fixture
def server(request, clock):
    """Serve the module's `WORLD`; a request that times out is held for a second."""
    with RedditServer(request.module.WORLD, clock) as running:
        running.hold_seconds = 1.0
        yield running
