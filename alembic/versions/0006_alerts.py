"""alerts: what they are about, in two languages, when they ended, how their delivery stands

Revision: 0006, after 0005
"""

import sqlalchemy as sa

from alembic import op
from db.models import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CONDITION = "what it is about: one condition has one running alert"
COLUMNS = (
    ("message_ja", sa.Text(), "the message in Japanese"),
    ("ended_at", UtcDateTime(), "when the condition had ended, empty while it runs"),
    ("retry_at", UtcDateTime(), "when the next attempt is due"),
    ("delivered_to", Json, "marks of the addresses that have it, not the addresses"),
)


def upgrade() -> None:
    op.add_column(
        "alerts", sa.Column("condition", sa.String(length=255), server_default="", nullable=False, comment=CONDITION)
    )
    for name, kind, comment in COLUMNS:
        op.add_column("alerts", sa.Column(name, kind, nullable=True, comment=comment))
    op.add_column(
        "alerts",
        sa.Column(
            "attempts", sa.Integer(), server_default="0", nullable=False, comment="failed attempts to deliver it"
        ),
    )
    op.create_index("ix_alerts_condition", "alerts", ["condition", "id"])
    # Those of before were told once and have no condition that could end.
    op.execute("UPDATE alerts SET ended_at = fired_at")


def downgrade() -> None:
    op.drop_index("ix_alerts_condition", "alerts")
    for name in ("condition", "attempts", *(name for name, _, _ in COLUMNS)):
        op.drop_column("alerts", name)
