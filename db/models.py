"""The tables. Column comments feed the data dictionary; the views for people lie in `db/views/`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER PRIMARY KEY

Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time: `timestamptz` on PostgreSQL, ISO text (`2025-11-17 08:00:00.000000`, UTC) on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:  # noqa: ANN401 - SQLAlchemy's own signature
        """Choose the column type of the dialect."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give aware UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of Grokwatch."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime,
        str: Text,
        dict[str, Any]: Json,
        list[str]: Json,
    }


class Run(Base):
    """One piece of work: an import, a visit to a platform, a labelling pass, a digest."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), comment="sample, import, collect, classify, digest, …")
    source: Mapped[str | None] = mapped_column(String(32), comment="platform or file the run read")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(16), comment="running, ok, failed or interrupted")
    read: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0", comment="lines or items the source gave"
    )
    kept: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", comment="posts handed to the database")
    new: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", comment="posts not seen before")
    changed: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0", comment="posts edited or deleted since"
    )
    broken: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0", comment="lines or items that could not be read"
    )
    error: Mapped[str | None] = mapped_column(comment="why it failed, one sentence")
    detail: Mapped[dict[str, Any] | None]


class Post(Base):
    """A post. A deleted post stays as a tombstone without title, text, url and author."""

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("inclusion_probability > 0 AND inclusion_probability <= 1", name="inclusion_probability"),
        Index("ix_posts_created_at", "created_at"),
        Index("ix_posts_thread_id", "source", "thread_id"),
        Index("ix_posts_run_id", "run_id"),
        Index("ix_posts_checked_at", "source", "checked_at"),
        Index(
            "ix_posts_deleted_at",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str] = mapped_column(String(32), comment="reddit, x or another platform")
    source_id: Mapped[str] = mapped_column(String(64), comment="the platform's identifier")
    kind: Mapped[str] = mapped_column(String(16), comment="submission, comment, post or reply")
    channel: Mapped[str | None] = mapped_column(String(128), comment="subreddit")
    thread_id: Mapped[str] = mapped_column(String(64), comment="submission or conversation; the unit of the bootstrap")
    author_key: Mapped[str | None] = mapped_column(String(64), comment="keyed hash of the author's name")
    lang: Mapped[str | None] = mapped_column(String(35), comment="BCP-47 tag: the platform's, else detected")
    created_at: Mapped[datetime]
    collected_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    title: Mapped[str | None]
    text: Mapped[str | None]
    url: Mapped[str | None]
    score: Mapped[int | None]
    replies: Mapped[int | None]
    inclusion_probability: Mapped[float] = mapped_column(default=1.0, server_default="1.0")
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), comment="the run that first saw the post")
    deleted_at: Mapped[datetime | None] = mapped_column(comment="when the deletion became known")
    checked_at: Mapped[datetime | None] = mapped_column(
        comment="when its platform was last asked whether it still stands"
    )
    missing_at: Mapped[datetime | None] = mapped_column(
        comment="when its platform first left it out of an answer, empty once it is there again"
    )


class Cursor(Base):
    """How far a stream has been read."""

    __tablename__ = "cursors"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    stream: Mapped[str] = mapped_column(String(255), primary_key=True)
    value: Mapped[str]
    updated_at: Mapped[datetime]


class Spend(Base):
    """Money reserved and spent at a platform that bills."""

    __tablename__ = "spend"
    __table_args__ = (Index("ix_spend_source_month", "source", "month"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    month: Mapped[str] = mapped_column(String(7), comment="YYYY-MM in UTC")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    reserved_usd: Mapped[float]
    settled_usd: Mapped[float | None] = mapped_column(comment="null while the request is under way")
    created_at: Mapped[datetime]


class Hole(Base):
    """A span that a platform no longer gives: posts of a stream from then are missing, and nobody can get them there."""

    __tablename__ = "holes"
    __table_args__ = (UniqueConstraint("source", "stream", "starts_at", "ends_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    stream: Mapped[str] = mapped_column(String(255), comment="what was read, in the collector's words")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(comment="why the posts can't be had, one sentence")
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), comment="the run that found out")
    noted_at: Mapped[datetime]


class Parked(Base):
    """A stream that its platform refuses, left alone until `retry_at`; the row goes when the stream is read again."""

    __tablename__ = "parked"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    stream: Mapped[str] = mapped_column(String(255), primary_key=True)
    reason: Mapped[str] = mapped_column(String(16), comment="forbidden, closed, budget or capped")
    since: Mapped[datetime]
    retry_at: Mapped[datetime] = mapped_column(comment="when the scheduler asks again")
    error: Mapped[str] = mapped_column(comment="what the platform said, one sentence")
    mend: Mapped[str] = mapped_column(comment="what to do about it")


class Lease(Base):
    """Work that one process at a time may do. Who holds it counts `beats` up; whoever sees them stand still may take it."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(255), comment="machine and process; empty when it was given back")
    beats: Mapped[int] = mapped_column(BigInteger)
    held_since: Mapped[datetime]
    beat_at: Mapped[datetime] = mapped_column(comment="for people to read: the holder's clock may be wrong")


class Volume(Base):
    """Census: how many posts matched a query in an hour, whether or not they were collected."""

    __tablename__ = "volumes"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    query: Mapped[str] = mapped_column(String(512), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    collected_at: Mapped[datetime]


class Model(Base):
    """A classifier version; the active one feeds the charts."""

    __tablename__ = "models"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version: Mapped[str] = mapped_column(String(128), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=False, server_default=false())


class Label(Base):
    """What a model says about a post. `p_<category>` is the probability given that the post is relevant."""

    __tablename__ = "labels"
    __table_args__ = (Index("ix_labels_model_id", "model_id", "category"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    relevant: Mapped[bool]
    p_relevant: Mapped[float]
    category: Mapped[str | None] = mapped_column(String(16))
    p_excitement: Mapped[float]
    p_latency: Mapped[float]
    p_bias: Mapped[float]
    p_satisfaction: Mapped[float]
    p_abandonment: Mapped[float]
    p_other: Mapped[float]
    polarity: Mapped[str | None] = mapped_column(String(16))
    aspects: Mapped[list[str]]
    mentions: Mapped[list[str]]
    labelled_at: Mapped[datetime]


class Audit(Base):
    """A post that was drawn for people to label, and what a person says; one row a draw, post and person."""

    __tablename__ = "audits"
    __table_args__ = (UniqueConstraint("draw", "post_id", "auditor"), Index("ix_audits_post_id", "post_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    auditor: Mapped[str] = mapped_column(String(64), comment="who labelled; empty until somebody has")
    draw: Mapped[str] = mapped_column(String(64), comment="name of the sample the post was drawn for")
    inclusion_probability: Mapped[float]
    drawn_at: Mapped[datetime]
    labelled_at: Mapped[datetime | None]
    relevant: Mapped[bool | None]
    category: Mapped[str | None] = mapped_column(String(16))
    polarity: Mapped[str | None] = mapped_column(String(16))
    aspects: Mapped[list[str] | None]


class Draw(Base):
    """A sample of posts for people to label, and the posts that it was drawn from."""

    __tablename__ = "draws"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    drawn_at: Mapped[datetime] = mapped_column(comment="posts collected later could not be drawn")
    size: Mapped[int] = mapped_column(comment="posts that were drawn")
    seed: Mapped[int] = mapped_column(BigInteger, comment="of the random numbers")
    model: Mapped[str] = mapped_column(String(128), comment="version of the model whose labels made the strata")
    starts_at: Mapped[datetime | None] = mapped_column(comment="posts written before could not be drawn")
    ends_at: Mapped[datetime | None] = mapped_column(comment="nor those written from then on")
    sources: Mapped[list[str]] = mapped_column(comment="only these platforms; empty: all")
    langs: Mapped[list[str]] = mapped_column(comment="only these languages; empty: all")


class RollupHourly(Base):
    """Labels added up by hour, source and language, for the charts; kept up to date as labels come and go.

    `n_…` are counts of posts by label; `w_…` sums of the weight (1 / inclusion probability) times the probability; `w2_…` the
    same with the weight squared, from which the effective number of posts follows: (Σ w)² / Σ w2; `v_…` sums of the weight by label.
    """

    __tablename__ = "rollups_hourly"

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True, comment="und where unknown")
    n_posts: Mapped[int] = mapped_column(BigInteger)
    n_relevant: Mapped[int] = mapped_column(BigInteger)
    n_excitement: Mapped[int] = mapped_column(BigInteger)
    n_latency: Mapped[int] = mapped_column(BigInteger)
    n_bias: Mapped[int] = mapped_column(BigInteger)
    n_satisfaction: Mapped[int] = mapped_column(BigInteger)
    n_abandonment: Mapped[int] = mapped_column(BigInteger)
    n_other: Mapped[int] = mapped_column(BigInteger)
    w_posts: Mapped[float]
    w_relevant: Mapped[float]
    w_excitement: Mapped[float]
    w_latency: Mapped[float]
    w_bias: Mapped[float]
    w_satisfaction: Mapped[float]
    w_abandonment: Mapped[float]
    w_other: Mapped[float]
    w2_relevant: Mapped[float] = mapped_column(server_default="0")
    w2_five: Mapped[float] = mapped_column(server_default="0")
    v_excitement: Mapped[float] = mapped_column(server_default="0")
    v_latency: Mapped[float] = mapped_column(server_default="0")
    v_bias: Mapped[float] = mapped_column(server_default="0")
    v_satisfaction: Mapped[float] = mapped_column(server_default="0")
    v_abandonment: Mapped[float] = mapped_column(server_default="0")
    v_other: Mapped[float] = mapped_column(server_default="0")


class RollupDaily(Base):
    """The hourly sums added up by day, and the sums of each thread, from which intervals are made.

    Each day is there four times: by platform and language, by one of the two, and as a whole; what is added up over has an
    empty name. So a question about everything reads one row a day.
    """

    __tablename__ = "rollups_daily"
    __table_args__ = (Index("ix_rollups_daily_day", "day"),)

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True, comment="empty: all platforms")
    lang: Mapped[str] = mapped_column(String(35), primary_key=True, comment="empty: all languages; und where unknown")
    day: Mapped[datetime] = mapped_column(primary_key=True)
    n_posts: Mapped[int] = mapped_column(BigInteger)
    n_relevant: Mapped[int] = mapped_column(BigInteger)
    n_excitement: Mapped[int] = mapped_column(BigInteger)
    n_latency: Mapped[int] = mapped_column(BigInteger)
    n_bias: Mapped[int] = mapped_column(BigInteger)
    n_satisfaction: Mapped[int] = mapped_column(BigInteger)
    n_abandonment: Mapped[int] = mapped_column(BigInteger)
    n_other: Mapped[int] = mapped_column(BigInteger)
    w2_relevant: Mapped[float]
    w2_five: Mapped[float]
    w_posts: Mapped[float] = mapped_column(server_default="0")
    v_excitement: Mapped[float] = mapped_column(server_default="0")
    v_latency: Mapped[float] = mapped_column(server_default="0")
    v_bias: Mapped[float] = mapped_column(server_default="0")
    v_satisfaction: Mapped[float] = mapped_column(server_default="0")
    v_abandonment: Mapped[float] = mapped_column(server_default="0")
    v_other: Mapped[float] = mapped_column(server_default="0")
    n_threads: Mapped[int] = mapped_column(BigInteger, comment="threads that the posts belong to")
    threads: Mapped[bytes] = mapped_column(
        comment="sums of weight · p_relevant · p_category by thread, packed (db/thread_groups.py)"
    )


class RollupPosts(Base):
    """Stored posts by day, platform and language, labelled or not; deleted posts count nowhere."""

    __tablename__ = "rollups_posts"

    day: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    lang: Mapped[str] = mapped_column(String(35), primary_key=True, comment="und where unknown")
    n_posts: Mapped[int] = mapped_column(BigInteger)


class RollupDirty(Base):
    """Hours whose rollup must be counted anew, written in the transaction that changes a post or a label.

    An hour may be marked more than once: writers that had to share one mark would wait for each other, or miss it.
    """

    __tablename__ = "rollups_dirty"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    hour: Mapped[datetime]
    labels: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="true: labels changed; false: posts came or went"
    )


class Event(Base):
    """Something that happened to Grok, drawn as a mark in the charts."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("starts_at", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None] = mapped_column(comment="null for a moment")
    name: Mapped[str] = mapped_column(String(200))
    name_ja: Mapped[str | None] = mapped_column(String(200))
    expected: Mapped[bool] = mapped_column(default=False, server_default=false(), comment="announced, not yet happened")


class Alert(Base):
    """A rule that fired. It runs until its condition has ended, and is told again while it does, after a while."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_rule", "rule", "fired_at"),
        Index("ix_alerts_condition", "condition", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rule: Mapped[str] = mapped_column(String(128))
    fired_at: Mapped[datetime]
    message: Mapped[str]
    detail: Mapped[dict[str, Any] | None]
    delivered_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    condition: Mapped[str] = mapped_column(
        String(255), default="", server_default="", comment="what it is about: one condition has one running alert"
    )
    message_ja: Mapped[str | None] = mapped_column(comment="the message in Japanese")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when the condition had ended, empty while it runs")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", comment="failed attempts to deliver it")
    retry_at: Mapped[datetime | None] = mapped_column(comment="when the next attempt is due")
    delivered_to: Mapped[list[str] | None] = mapped_column(
        comment="marks of the addresses that have it, not the addresses"
    )


class Digest(Base):
    """A digest that was sent, so that no period is sent twice."""

    __tablename__ = "digests"
    __table_args__ = (UniqueConstraint("digest", "period"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), comment="name of the digest: kind and language")
    period: Mapped[str] = mapped_column(String(16), comment="2025-W47")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    recipients: Mapped[int] = mapped_column(default=0, server_default="0")
    detail: Mapped[dict[str, Any] | None]


class BaselineShare(Base):
    """The five shares of the report of November 2025; it names neither sample size nor method."""

    __tablename__ = "baseline"

    category: Mapped[str] = mapped_column(String(16), primary_key=True)
    name_ja: Mapped[str] = mapped_column(String(64), comment="the report's own wording")
    share: Mapped[float]
    reported: Mapped[str] = mapped_column(String(7), comment="month of the report, YYYY-MM")
