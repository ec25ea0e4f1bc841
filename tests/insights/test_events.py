"""Events and the report's shares: what stands beside the figures."""

from datetime import UTC, datetime, timedelta

import pytest

from classifiers.codebook import FIVE, Category
from insights.baseline import baseline, by_category
from insights.events import Event, add_event, events
from insights.sample import is_sample

RELEASE = datetime(2025, 11, 17, tzinfo=UTC)


def test_events_of_a_span_are_those_that_touch_it(engine):
    with engine.connect() as connection:

        def names(start, end):
            return [event.name for event in events(connection, start=start, end=end)]

        day = timedelta(days=1)
        assert names(None, None) == ["Grok 4.1 silent rollout", "Grok 4.1 release", "Grok 5 expected"]
        assert names(RELEASE, RELEASE + day) == ["Grok 4.1 release"]  # from its first moment on
        assert names(RELEASE - day, RELEASE) == []
        assert names(datetime(2025, 11, 14, 23, tzinfo=UTC), RELEASE) == ["Grok 4.1 silent rollout"]
        assert names(datetime(2025, 11, 15, tzinfo=UTC), RELEASE) == []
        assert names(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)) == ["Grok 5 expected"]


def test_names_are_in_the_readers_language(engine):
    with engine.connect() as connection:
        release = events(connection)[1]
    assert release.title("en") == "Grok 4.1 release"
    assert release.title("ja") == "Grok 4.1 リリース"
    assert Event(starts_at=RELEASE, name="Outage").title("ja") == "Outage"


def test_an_event_is_stored_once(engine):
    event = Event(starts_at=RELEASE, ends_at=RELEASE + timedelta(hours=2), name="Outage", name_ja="障害", expected=True)
    with engine.begin() as connection:
        assert add_event(connection, event)
        assert not add_event(connection, Event(starts_at=RELEASE, name="Outage"))
        assert event in events(connection)


def test_events_with_impossible_times_are_refused():
    with pytest.raises(ValueError, match="without a zone"):
        Event(starts_at=datetime(2025, 11, 17), name="x")  # noqa: DTZ001 - the naive time is the point
    with pytest.raises(ValueError, match="ends before"):
        Event(starts_at=RELEASE, ends_at=RELEASE, name="x")


def test_baseline_is_the_reports_in_its_order(engine):
    with engine.connect() as connection:
        rows = baseline(connection)
        assert by_category(connection)[Category.BIAS] == 0.2
    assert [row.category for row in rows] == list(FIVE)
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert {row.reported for row in rows} == {"2025-11"}


def test_sample_posts_are_told_from_real_ones(archive):
    with archive.engine.connect() as connection:
        assert not is_sample(connection)
    archive.add(1, Category.BIAS)
    with archive.engine.connect() as connection:
        assert not is_sample(connection)
    archive.add(1, Category.BIAS, kind="sample")
    with archive.engine.connect() as connection:
        assert is_sample(connection)
