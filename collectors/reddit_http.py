"""Sends requests to Reddit: at the pace it allows, again after what passes, and never forever.

prawcore waits out neither a 429 nor a body that was cut off, and sleeps by itself where we must be able to stop; so every
request, that for a token too, goes through here.
"""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import requests
import structlog

from collectors.errors import Unavailable
from collectors.pacing import Backoff, Pacer, retry_after

CONNECT_SECONDS: Final = 10.0
TOO_MANY: Final = 429
NOT_MODIFIED: Final = 304
PASSING: Final = frozenset({408, 425, TOO_MANY})
"""Statuses besides 5xx after which the same request may succeed."""

log = structlog.get_logger(__name__)


class Exchange:
    """A session with time-outs that keeps to a pace.

    Parameters
    ----------
    pacer
        Shared by all that share a limit.
    timeout_seconds
        How long to wait for an answer, and for the next part of one.
    clock, sleep, chance
        Injected; `sleep` may raise in order to stop.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        pacer: Pacer,
        timeout_seconds: float,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        chance: random.Random,
        backoff: Backoff | None = None,
    ) -> None:
        self.session = requests.Session()
        self.session.headers["User-Agent"] = user_agent
        self.session.auth = _as_it_is
        self.sent = 0
        self._pacer = pacer
        self._timeout = (min(CONNECT_SECONDS, timeout_seconds), timeout_seconds)
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._backoff = backoff or Backoff()

    def send(
        self,
        method: str,
        url: str,
        *,
        is_whole: Callable[[requests.Response], bool],
        **options: Any,  # noqa: ANN401 - what `requests` takes
    ) -> requests.Response:
        """Give the response to a request; redirects are not followed.

        Parameters
        ----------
        is_whole
            Tells whether a good response holds what it should; one that does not is asked for again.

        Raises
        ------
        Unavailable
            There was no whole response within the attempts, or Reddit asks to wait longer than is worth it.
        """
        where = url.split("?", maxsplit=1)[0]
        options = {**options, "timeout": self._timeout, "allow_redirects": False}
        attempt = 0
        while True:
            attempt += 1
            self._wait_for_turn(where)
            response, trouble = self._try(method, url, is_whole, options)
            if response is not None and trouble is None:
                return response
            headers = {} if response is None else response.headers
            status = None if response is None else response.status_code
            now = self._clock()
            seconds = self._backoff.seconds(attempt, headers, now, self._chance)
            if status == TOO_MANY:
                self._pacer.block(seconds or retry_after(headers, now) or 0, now)
            if seconds is None:
                raise Unavailable(
                    f"Reddit did not answer {where} in {attempt} attempts: {trouble}",
                    mend="wait; the next visit goes on where this one stopped",
                    status=status,
                    url=where,
                )
            log.info("reddit_again", url=where, trouble=trouble, seconds=round(seconds, 1), attempt=attempt)
            self._sleep(seconds)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def _wait_for_turn(self, where: str) -> None:
        now = self._clock()
        delay = self._pacer.delay(now)
        if delay > self._backoff.ceiling:
            raise Unavailable(
                f"Reddit asks to wait until {now + timedelta(seconds=delay):%Y-%m-%d %H:%M} UTC",
                mend="wait; the next visit goes on where this one stopped",
                status=TOO_MANY,
                url=where,
            )
        seconds = self._pacer.wait(now)
        if seconds > 0:
            self._sleep(seconds)

    def _try(
        self, method: str, url: str, is_whole: Callable[[requests.Response], bool], options: dict[str, Any]
    ) -> tuple[requests.Response | None, str | None]:
        """Send once; give the response and what is wrong with it."""
        self.sent += 1
        try:
            response = self.session.request(method, url, **options)
        except requests.RequestException as error:
            return None, _said(error)
        self._pacer.seen(response.headers, self._clock())
        status = response.status_code
        if status in PASSING or status >= 500:  # noqa: PLR2004 - the server's own failures
            return response, f"it answered {status}"
        if status < 300 and not is_whole(response):  # noqa: PLR2004 - success
            return response, f"its answer ({status}) is not whole"
        return response, None


def json_of(response: requests.Response) -> Any:  # noqa: ANN401 - whatever JSON there is
    """Give the JSON of a response, None where it is not JSON."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from putting the login of a stray .netrc in place of the token."""
    return request


def _said(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it took too long"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed or broke off"
    return type(error).__name__
