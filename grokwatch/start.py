"""A first start: schema up, sample posts in where the database is empty."""

from sqlalchemy import Engine

from collectors.sample import SampleCollector
from db import sample, schema
from grokwatch.pipeline import Clock, store


def prepare(engine: Engine, *, clock: Clock) -> int:
    """Bring the schema up and, where no post was ever stored, put the sample posts in; gives how many went in.

    Raises
    ------
    DatabaseError
        The database can't be reached or its schema is newer than this version knows.
    """
    stored = schema.stored_revision(engine)
    if stored != schema.newest_revision():
        if stored is not None:
            schema.refuse_unknown(stored)
        schema.upgrade(engine)
    with engine.begin() as connection:
        empty = sample.is_empty(connection)
    if not empty:
        return 0
    summary = store(engine, SampleCollector(), kind=sample.KIND, clock=clock, author_hash=lambda name: name)
    return summary.new
