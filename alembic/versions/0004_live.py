"""live collection: holes, parked streams, leases, when a post was last looked up

Revision: 0004, after 0003
"""

import sqlalchemy as sa

from alembic import op
from db import views
from db.models import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CHECKED = "when its platform was last asked whether it still stands"
MISSING = "when its platform first left it out of an answer, empty once it is there again"


def upgrade() -> None:
    op.create_table(
        "holes",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False, comment="what was read, in the collector's words"),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="why the posts can't be had, one sentence"),
        sa.Column("run_id", ID, nullable=False, comment="the run that found out"),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_holes_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holes")),
        sa.UniqueConstraint(
            "source", "stream", "starts_at", "ends_at", name=op.f("uq_holes_source_stream_starts_at_ends_at")
        ),
    )
    op.create_table(
        "parked",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False, comment="forbidden, closed, budget or capped"),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=False, comment="when the scheduler asks again"),
        sa.Column("error", sa.Text(), nullable=False, comment="what the platform said, one sentence"),
        sa.Column("mend", sa.Text(), nullable=False, comment="what to do about it"),
        sa.PrimaryKeyConstraint("source", "stream", name=op.f("pk_parked")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column(
            "holder", sa.String(length=255), nullable=False, comment="machine and process; empty when it was given back"
        ),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("held_since", UtcDateTime(), nullable=False),
        sa.Column(
            "beat_at", UtcDateTime(), nullable=False, comment="for people to read: the holder's clock may be wrong"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    # Plain ADD COLUMN on SQLite too: the views on posts would stand in the way of a table that is made anew.
    op.add_column("posts", sa.Column("checked_at", UtcDateTime(), nullable=True, comment=CHECKED))
    op.add_column("posts", sa.Column("missing_at", UtcDateTime(), nullable=True, comment=MISSING))
    op.create_index("ix_posts_checked_at", "posts", ["source", "checked_at"])
    buried = sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_posts_deleted_at", "posts", ["deleted_at"], sqlite_where=buried, postgresql_where=buried)
    views.create(op.get_bind(), revision)


def downgrade() -> None:
    views.drop(op.get_bind(), revision)
    op.drop_index("ix_posts_deleted_at", "posts")
    op.drop_index("ix_posts_checked_at", "posts")
    # SQLite drops a column in place since 3.35, without touching the views that read the table.
    op.drop_column("posts", "missing_at")
    op.drop_column("posts", "checked_at")
    for table in ("leases", "parked", "holes"):
        op.drop_table(table)
