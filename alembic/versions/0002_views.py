"""views, effective sizes in the rollups, marks of changed hours that never wait for each other

Revision: 0002, after 0001
"""

import sqlalchemy as sa

from alembic import op
from db import views
from db.models import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HOURS = sa.table("rollups_dirty", sa.column("hour", UtcDateTime()))


def upgrade() -> None:
    for name in ("w2_relevant", "w2_five"):
        op.add_column("rollups_hourly", sa.Column(name, sa.Double(), server_default="0", nullable=False))
    marked = _hours("SELECT hour FROM rollups_dirty UNION SELECT hour FROM rollups_hourly")
    op.drop_table("rollups_dirty")
    op.create_table(
        "rollups_dirty",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollups_dirty")),
    )
    op.bulk_insert(HOURS, marked)
    views.create(op.get_bind(), revision)


def downgrade() -> None:
    views.drop(op.get_bind(), revision)
    marked = _hours("SELECT DISTINCT hour FROM rollups_dirty")
    op.drop_table("rollups_dirty")
    op.create_table(
        "rollups_dirty",
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_rollups_dirty")),
    )
    op.bulk_insert(HOURS, marked)
    with op.batch_alter_table("rollups_hourly") as table:
        table.drop_column("w2_five")
        table.drop_column("w2_relevant")


def _hours(query: str) -> list[dict[str, object]]:
    rows = op.get_bind().execute(sa.text(query).columns(sa.column("hour", UtcDateTime())))
    return [{"hour": row.hour} for row in rows]
