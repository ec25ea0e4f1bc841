"""Runs: every piece of work leaves a row, so that nobody has to guess what happened and when."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, insert, select, update

from db.models import Run


def start_run(
    connection: Connection, kind: str, *, source: str | None, now: datetime, detail: dict[str, Any] | None = None
) -> int:
    """Open a run and give its id."""
    row = {"kind": kind, "source": source, "started_at": now, "status": "running", "detail": detail}
    result = connection.execute(insert(Run).values(row).returning(Run.id))
    return result.scalar_one()


def add_counts(
    connection: Connection,
    run_id: int,
    *,
    read: int = 0,
    kept: int = 0,
    new: int = 0,
    changed: int = 0,
    broken: int = 0,
) -> None:
    """Add a page's counts to its run."""
    connection.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(
            read=Run.read + read,
            kept=Run.kept + kept,
            new=Run.new + new,
            changed=Run.changed + changed,
            broken=Run.broken + broken,
        )
    )


def finish_run(
    connection: Connection,
    run_id: int,
    *,
    now: datetime,
    status: str = "ok",
    error: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Close a run: `ok`, `failed` or `interrupted`; a `detail` takes the place of the one it began with."""
    values: dict[str, Any] = {"status": status, "finished_at": now, "error": error}
    if detail is not None:
        values["detail"] = detail
    connection.execute(update(Run).where(Run.id == run_id).values(values))


def note_failure(connection: Connection, kind: str, error: str, *, source: str | None, now: datetime) -> None:
    """Leave a run for work that failed before it could begin."""
    run_id = start_run(connection, kind, source=source, now=now)
    finish_run(connection, run_id, now=now, status="failed", error=error)


def has_failed_since(connection: Connection, kind: str, *, source: str | None, moment: datetime) -> bool:
    """Tell whether a failure of this kind of work is on record since a moment."""
    of_kind = [Run.kind == kind, Run.source == source if source else Run.source.is_(None)]
    failed = exists().where(*of_kind, Run.status == "failed", Run.finished_at >= moment)
    return bool(connection.scalar(select(failed)))


def failed_last_before(connection: Connection, kind: str, *, source: str | None, moment: datetime) -> bool:
    """Tell whether the latest run of this kind of work is a failure from before a moment."""
    of_kind = [Run.kind == kind, Run.source == source if source else Run.source.is_(None)]
    query = select(Run.status, Run.finished_at).where(*of_kind).order_by(Run.id.desc()).limit(1)
    latest = connection.execute(query).first()
    return latest is not None and latest.status == "failed" and (latest.finished_at or moment) < moment


def last_status(connection: Connection, kind: str) -> str | None:
    """Tell how the latest run of a kind stands, None where there was none."""
    return connection.scalar(select(Run.status).where(Run.kind == kind).order_by(Run.id.desc()).limit(1))


def close_lost_runs(connection: Connection, kind: str, *, source: str | None, now: datetime) -> int:
    """Mark runs of this kind that were killed: they still say `running` although their process has gone."""
    lost = [Run.kind == kind, Run.status == "running", Run.source == source if source else Run.source.is_(None)]
    result = connection.execute(update(Run).where(*lost).values(status="interrupted", finished_at=now))
    return result.rowcount
