"""Months of labelled posts, stored in bulk: what changes are found in."""

from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import insert

from classifiers.codebook import Category
from db import rollups
from db.models import Label, Model, Post, Run

MONDAY = datetime(2025, 8, 4, tzinfo=UTC)
USUAL = {Category.EXCITEMENT: 10, Category.LATENCY: 8, Category.BIAS: 6, Category.SATISFACTION: 4, Category.OTHER: 12}
"""Posts a day."""

OUTAGE = {Category.EXCITEMENT: 6, Category.LATENCY: 20, Category.BIAS: 4, Category.SATISFACTION: 2, Category.OTHER: 8}
_numbers = count(1)


def store_days(
    engine, days, *, start=MONDAY, source="reddit", lang="en", channel="grok", aspects=(), kind="import", run=None
):
    """Store posts of consecutive days; `days` gives the number of posts a category for each. A post is a thread."""
    posts, labels = [], []
    with engine.begin() as connection:
        run = connection.execute(
            insert(Run)
            .values(kind=kind, source=source, started_at=start, finished_at=start, status="ok")
            .returning(Run.id)
        ).scalar_one()
        model = connection.execute(Model.__table__.select()).first()
        model_id = model.id if model else connection.execute(
            insert(Model).values(version="m", sha256="0" * 64, metrics={}, created_at=start, active=True).returning(Model.id)
        ).scalar_one()  # fmt: skip
        for day, numbers in enumerate(days):
            total = sum(numbers.values())
            position = 0
            for category, number in numbers.items():
                for _ in range(number):
                    identity = next(_numbers)
                    at = start + timedelta(
                        days=day, seconds=86_000 * ((position * 7919) % max(total, 1)) / max(total, 1)
                    )
                    position += 1
                    posts.append({
                        "id": identity, "source": source, "source_id": f"h{identity}", "kind": "post", "channel": channel,
                        "thread_id": f"h{identity}", "lang": lang, "created_at": at, "collected_at": at,
                        "text": f"Grok {identity}", "run_id": run,
                    })  # fmt: skip
                    labels.append({
                        "post_id": identity, "model_id": model_id, "relevant": True, "p_relevant": 1.0,
                        "category": category.value, "aspects": list(aspects), "mentions": [], "labelled_at": at,
                        **{f"p_{one.value}": float(one is category) for one in Category},
                    })  # fmt: skip
        connection.execute(insert(Post), posts)
        connection.execute(insert(Label), labels)
        rollups.mark_dirty(connection, (post["created_at"] for post in posts))
        rollups.refresh(connection)
