"""rollups by day with the sums of threads, stored posts by day, marks of hours to which posts came

Revision: 0005, after 0004
"""

import sqlalchemy as sa

from alembic import op
from db.models import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = ("posts", "relevant", "excitement", "latency", "bias", "satisfaction", "abandonment", "other")
LABELS = "true: labels changed; false: posts came or went"
PACKED = "sums of weight · p_relevant · p_category by thread, packed (db/thread_groups.py)"


def upgrade() -> None:
    op.create_table(
        "rollups_daily",
        sa.Column("model_id", ID, nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False, comment="empty: all platforms"),
        sa.Column("lang", sa.String(length=35), nullable=False, comment="empty: all languages; und where unknown"),
        sa.Column("day", UtcDateTime(), nullable=False),
        *(sa.Column(f"n_{name}", sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("w2_relevant", sa.Double(), nullable=False),
        sa.Column("w2_five", sa.Double(), nullable=False),
        sa.Column("n_threads", sa.BigInteger(), nullable=False, comment="threads that the posts belong to"),
        sa.Column("threads", sa.LargeBinary(), nullable=False, comment=PACKED),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_rollups_daily_model_id_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "source", "lang", "day", name=op.f("pk_rollups_daily")),
    )
    op.create_index("ix_rollups_daily_day", "rollups_daily", ["day"])
    op.create_table(
        "rollups_posts",
        sa.Column("day", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False, comment="und where unknown"),
        sa.Column("n_posts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "source", "lang", name=op.f("pk_rollups_posts")),
    )
    op.add_column(
        "rollups_dirty", sa.Column("labels", sa.Boolean(), server_default=sa.true(), nullable=False, comment=LABELS)
    )
    # Nothing is counted here, which could take long: figures of marked days are added up from posts until they are.
    if op.get_bind().dialect.name == "postgresql":
        hour = "date_trunc('hour', created_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    else:
        hour = "strftime('%Y-%m-%d %H:00:00.000000', created_at)"
    for labels in ("true", "false"):
        op.execute(f"INSERT INTO rollups_dirty (hour, labels) SELECT DISTINCT {hour}, {labels} FROM posts")  # noqa: S608 - constants


def downgrade() -> None:
    op.drop_column("rollups_dirty", "labels")
    op.drop_table("rollups_posts")
    op.drop_table("rollups_daily")
