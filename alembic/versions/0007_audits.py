"""audits: draws by name with what they were drawn from, a post in several of them, weights by label in the rollups

Revision: 0007, after 0006
"""

import sqlalchemy as sa

from alembic import op
from db.models import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CATEGORIES = ("excitement", "latency", "bias", "satisfaction", "abandonment", "other")
AUDITOR = "who labelled; empty until somebody has"


def upgrade() -> None:
    op.create_table(
        "draws",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False, comment="posts collected later could not be drawn"),
        sa.Column("size", sa.Integer(), nullable=False, comment="posts that were drawn"),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="of the random numbers"),
        sa.Column(
            "model", sa.String(length=128), nullable=False, comment="version of the model whose labels made the strata"
        ),
        sa.Column("starts_at", UtcDateTime(), nullable=True, comment="posts written before could not be drawn"),
        sa.Column("ends_at", UtcDateTime(), nullable=True, comment="nor those written from then on"),
        sa.Column("sources", Json, nullable=False, comment="only these platforms; empty: all"),
        sa.Column("langs", Json, nullable=False, comment="only these languages; empty: all"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_draws")),
    )
    with op.batch_alter_table("audits") as table:
        table.alter_column("auditor", existing_type=sa.String(length=64), comment=AUDITOR, existing_nullable=False)
        table.drop_constraint("uq_audits_post_id_auditor", type_="unique")
        table.create_unique_constraint("uq_audits_draw_post_id_auditor", ["draw", "post_id", "auditor"])
        table.create_index("ix_audits_post_id", ["post_id"])
    for name in CATEGORIES:
        op.add_column("rollups_hourly", sa.Column(f"v_{name}", sa.Double(), server_default="0", nullable=False))
    for name in ("w_posts", *(f"v_{name}" for name in CATEGORIES)):
        op.add_column("rollups_daily", sa.Column(name, sa.Double(), server_default="0", nullable=False))
    # Nothing is counted here, which could take long: marked hours are added up from posts until they are counted.
    if op.get_bind().dialect.name == "postgresql":
        hour = "date_trunc('hour', created_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    else:
        hour = "strftime('%Y-%m-%d %H:00:00.000000', created_at)"
    op.execute(f"INSERT INTO rollups_dirty (hour) SELECT DISTINCT {hour} FROM posts")  # noqa: S608 - two constants


def downgrade() -> None:
    for name in ("w_posts", *(f"v_{name}" for name in CATEGORIES)):
        op.drop_column("rollups_daily", name)
    for name in CATEGORIES:
        op.drop_column("rollups_hourly", f"v_{name}")
    # Before, one person had one label a post: the oldest stays, and what nobody has labelled yet goes.
    op.execute("DELETE FROM audits WHERE labelled_at IS NULL")
    op.execute("DELETE FROM audits WHERE id NOT IN (SELECT min(id) FROM audits GROUP BY post_id, auditor)")
    with op.batch_alter_table("audits") as table:
        table.drop_index("ix_audits_post_id")
        table.drop_constraint("uq_audits_draw_post_id_auditor", type_="unique")
        table.create_unique_constraint("uq_audits_post_id_auditor", ["post_id", "auditor"])
        table.alter_column("auditor", existing_type=sa.String(length=64), comment=None, existing_nullable=False)
    op.drop_table("draws")
