"""the report's shares and the events it names

Revision: 0003, after 0002
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from alembic import op
from db.models import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BASELINE = sa.table(
    "baseline", sa.column("category"), sa.column("name_ja"), sa.column("share", sa.Double), sa.column("reported")
)
EVENTS = sa.table(
    "events",
    sa.column("starts_at", UtcDateTime()),
    sa.column("ends_at", UtcDateTime()),
    sa.column("name"),
    sa.column("name_ja"),
    sa.column("expected", sa.Boolean),
)
REPORTED = (
    ("excitement", "好奇心・興奮", 0.35),
    ("latency", "遅延・バグへの不満", 0.30),
    ("bias", "バイアス・検閲への懸念", 0.20),
    ("satisfaction", "技術的アウトプットへの満足", 0.10),
    ("abandonment", "無関心・放棄", 0.05),
)
NOVEMBER, JANUARY, APRIL = (datetime(year, month, 1, tzinfo=UTC) for year, month in ((2025, 11), (2026, 1), (2026, 4)))
SPANS = (  # half-open: the rollout's last day is the 14th, the quarter's the 31st of March
    (NOVEMBER, NOVEMBER.replace(day=15), "Grok 4.1 silent rollout", "Grok 4.1 サイレントロールアウト", False),
    (NOVEMBER.replace(day=17), None, "Grok 4.1 release", "Grok 4.1 リリース", False),
    (JANUARY, APRIL, "Grok 5 expected", "Grok 5 登場見込み", True),
)


def upgrade() -> None:
    connection = op.get_bind()
    # A person may have written one of these rows before: it stands.
    reported = set(connection.scalars(sa.select(BASELINE.c.category)))
    shares = [{"category": c, "name_ja": n, "share": s, "reported": "2025-11"} for c, n, s in REPORTED]
    op.bulk_insert(BASELINE, [row for row in shares if row["category"] not in reported])
    known = {(row.starts_at, row.name) for row in connection.execute(sa.select(EVENTS.c.starts_at, EVENTS.c.name))}
    events = [{"starts_at": s, "ends_at": e, "name": n, "name_ja": j, "expected": x} for s, e, n, j, x in SPANS]
    op.bulk_insert(EVENTS, [row for row in events if (row["starts_at"], row["name"]) not in known])


def downgrade() -> None:
    op.execute(BASELINE.delete().where(BASELINE.c.category.in_([category for category, _, _ in REPORTED])))
    for starts_at, _, name, _, _ in SPANS:
        op.execute(EVENTS.delete().where(EVENTS.c.starts_at == starts_at, EVENTS.c.name == name))
