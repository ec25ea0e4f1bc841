"""Which stored submissions have their comments followed."""

from datetime import UTC, datetime, timedelta

from collectors.base import Kind, Page, RawPost
from db import runs, threads
from db.ingest import store_page

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def post(name: str, age: timedelta, *, kind: Kind = Kind.SUBMISSION, source: str = "reddit", deleted: bool = False):
    return RawPost(
        source=source,
        source_id=name,
        kind=kind,
        thread_id=name,
        created_at=NOW - age,
        text="" if deleted else "Grok",
        title=None if kind is Kind.COMMENT or deleted else "Grok",
        deleted=deleted,
    )


def test_submissions_of_reddit_that_stand_are_given_oldest_first(engine):
    page = Page(
        posts=(
            post("t3_new", timedelta(hours=1)),
            post("t3_older", timedelta(hours=5)),
            post("t3_too_old", timedelta(days=8)),
            post("t3_gone", timedelta(hours=2), deleted=True),
            post("t1_comment", timedelta(hours=2), kind=Kind.COMMENT),
            post("archived", timedelta(hours=2), source="file"),
        )
    )
    with engine.begin() as connection:
        run_id = runs.start_run(connection, "collect", source="reddit", now=NOW)
        store_page(connection, page, source="reddit", run_id=run_id, now=NOW, author_hash=lambda name: name)
        found = threads.threads_since(connection, NOW - timedelta(days=7))
    assert [(thread.source_id, thread.created_at) for thread in found] == [
        ("t3_older", NOW - timedelta(hours=5)),
        ("t3_new", NOW - timedelta(hours=1)),
    ]
    assert {thread.collected_at for thread in found} == {NOW}
