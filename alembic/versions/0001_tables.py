"""tables

Revision: 0001, after nothing
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from db.models import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("fired_at", UtcDateTime(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index("ix_alerts_rule", ["rule", "fired_at"], unique=False)

    op.create_table(
        "baseline",
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("name_ja", sa.String(length=64), nullable=False, comment="the report's own wording"),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("reported", sa.String(length=7), nullable=False, comment="month of the report, YYYY-MM"),
        sa.PrimaryKeyConstraint("category", name=op.f("pk_baseline")),
    )
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stream", name=op.f("pk_cursors")),
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="name of the digest: kind and language"),
        sa.Column("period", sa.String(length=16), nullable=False, comment="2025-W47"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("recipients", sa.Integer(), server_default="0", nullable=False),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sa.UniqueConstraint("digest", "period", name=op.f("uq_digests_digest_period")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True, comment="null for a moment"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_ja", sa.String(length=200), nullable=True),
        sa.Column(
            "expected", sa.Boolean(), server_default=sa.false(), nullable=False, comment="announced, not yet happened"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("starts_at", "name", name=op.f("uq_events_starts_at_name")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("metrics", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("version", name=op.f("uq_models_version")),
    )
    op.create_table(
        "rollups_dirty",
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_rollups_dirty")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="sample, import, collect, classify, digest, …"),
        sa.Column("source", sa.String(length=32), nullable=True, comment="platform or file the run read"),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False, comment="running, ok, failed or interrupted"),
        sa.Column(
            "read", sa.BigInteger(), server_default="0", nullable=False, comment="lines or items the source gave"
        ),
        sa.Column("kept", sa.BigInteger(), server_default="0", nullable=False, comment="posts handed to the database"),
        sa.Column("new", sa.BigInteger(), server_default="0", nullable=False, comment="posts not seen before"),
        sa.Column(
            "changed", sa.BigInteger(), server_default="0", nullable=False, comment="posts edited or deleted since"
        ),
        sa.Column(
            "broken",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="lines or items that could not be read",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why it failed, one sentence"),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "volumes",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("query", sa.String(length=512), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("collected_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "query", "hour", name=op.f("pk_volumes")),
    )
    op.create_table(
        "posts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False, comment="reddit, x or another platform"),
        sa.Column("source_id", sa.String(length=64), nullable=False, comment="the platform's identifier"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="submission, comment, post or reply"),
        sa.Column("channel", sa.String(length=128), nullable=True, comment="subreddit"),
        sa.Column(
            "thread_id",
            sa.String(length=64),
            nullable=False,
            comment="submission or conversation; the unit of the bootstrap",
        ),
        sa.Column("author_key", sa.String(length=64), nullable=True, comment="keyed hash of the author's name"),
        sa.Column("lang", sa.String(length=35), nullable=True, comment="BCP-47 tag: the platform's, else detected"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("collected_at", UtcDateTime(), nullable=False),
        sa.Column("edited_at", UtcDateTime(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("replies", sa.Integer(), nullable=True),
        sa.Column("inclusion_probability", sa.Double(), server_default="1.0", nullable=False),
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the run that first saw the post",
        ),
        sa.Column("deleted_at", UtcDateTime(), nullable=True, comment="when the deletion became known"),
        sa.CheckConstraint(
            "inclusion_probability > 0 AND inclusion_probability <= 1", name=op.f("ck_posts_inclusion_probability")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_posts_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_posts_source_source_id")),
    )
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.create_index("ix_posts_created_at", ["created_at"], unique=False)
        batch_op.create_index("ix_posts_run_id", ["run_id"], unique=False)
        batch_op.create_index("ix_posts_thread_id", ["source", "thread_id"], unique=False)

    op.create_table(
        "rollups_hourly",
        sa.Column("model_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=False, comment="und where unknown"),
        sa.Column("n_posts", sa.BigInteger(), nullable=False),
        sa.Column("n_relevant", sa.BigInteger(), nullable=False),
        sa.Column("n_excitement", sa.BigInteger(), nullable=False),
        sa.Column("n_latency", sa.BigInteger(), nullable=False),
        sa.Column("n_bias", sa.BigInteger(), nullable=False),
        sa.Column("n_satisfaction", sa.BigInteger(), nullable=False),
        sa.Column("n_abandonment", sa.BigInteger(), nullable=False),
        sa.Column("n_other", sa.BigInteger(), nullable=False),
        sa.Column("w_posts", sa.Double(), nullable=False),
        sa.Column("w_relevant", sa.Double(), nullable=False),
        sa.Column("w_excitement", sa.Double(), nullable=False),
        sa.Column("w_latency", sa.Double(), nullable=False),
        sa.Column("w_bias", sa.Double(), nullable=False),
        sa.Column("w_satisfaction", sa.Double(), nullable=False),
        sa.Column("w_abandonment", sa.Double(), nullable=False),
        sa.Column("w_other", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_rollups_hourly_model_id_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "hour", "source", "lang", name=op.f("pk_rollups_hourly")),
    )
    op.create_table(
        "spend",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False, comment="YYYY-MM in UTC"),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reserved_usd", sa.Double(), nullable=False),
        sa.Column("settled_usd", sa.Double(), nullable=True, comment="null while the request is under way"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_spend_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spend")),
    )
    with op.batch_alter_table("spend", schema=None) as batch_op:
        batch_op.create_index("ix_spend_source_month", ["source", "month"], unique=False)

    op.create_table(
        "audits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("auditor", sa.String(length=64), nullable=False),
        sa.Column("draw", sa.String(length=64), nullable=False, comment="name of the sample the post was drawn for"),
        sa.Column("inclusion_probability", sa.Double(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("labelled_at", UtcDateTime(), nullable=True),
        sa.Column("relevant", sa.Boolean(), nullable=True),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("aspects", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_audits_post_id_posts"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
        sa.UniqueConstraint("post_id", "auditor", name=op.f("uq_audits_post_id_auditor")),
    )
    op.create_table(
        "labels",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("relevant", sa.Boolean(), nullable=False),
        sa.Column("p_relevant", sa.Double(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("p_excitement", sa.Double(), nullable=False),
        sa.Column("p_latency", sa.Double(), nullable=False),
        sa.Column("p_bias", sa.Double(), nullable=False),
        sa.Column("p_satisfaction", sa.Double(), nullable=False),
        sa.Column("p_abandonment", sa.Double(), nullable=False),
        sa.Column("p_other", sa.Double(), nullable=False),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("aspects", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("mentions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("labelled_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_labels_model_id_models"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_labels_post_id_posts"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "model_id", name=op.f("pk_labels")),
    )
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.create_index("ix_labels_model_id", ["model_id", "category"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.drop_index("ix_labels_model_id")

    op.drop_table("labels")
    op.drop_table("audits")
    with op.batch_alter_table("spend", schema=None) as batch_op:
        batch_op.drop_index("ix_spend_source_month")

    op.drop_table("spend")
    op.drop_table("rollups_hourly")
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.drop_index("ix_posts_thread_id")
        batch_op.drop_index("ix_posts_run_id")
        batch_op.drop_index("ix_posts_created_at")

    op.drop_table("posts")
    op.drop_table("volumes")
    op.drop_table("runs")
    op.drop_table("rollups_dirty")
    op.drop_table("models")
    op.drop_table("events")
    op.drop_table("digests")
    op.drop_table("cursors")
    op.drop_table("baseline")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index("ix_alerts_rule")

    op.drop_table("alerts")
