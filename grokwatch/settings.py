"""Settings: `GROKWATCH_*` variables and the file `.env`, nested names joined by two underscores.

The descriptions here are the comments of `.env.example` and of the file that `grokwatch init` writes.
"""

import difflib
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from grokwatch.alert_settings import AlertSettings
from grokwatch.llm_settings import LlmSettings
from grokwatch.setting_types import Section, Timezone, Words

PREFIX: Final = "GROKWATCH_"
NESTED: Final = "__"
DEFAULT_TERMS = ("grok", "グロック", "그록", "грок", "جروك", "غروك", "ग्रोक")
"""Names of Grok in the scripts of the codebook; matched without regard to case."""


class SmtpSettings(Section):
    """The mail server that the digest is handed to."""

    host: str | None = Field(default=None, description="Name of the mail server, such as smtp.example.org.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port: 587 for starttls, 465 for ssl, 25 for none.")
    tls: Literal["starttls", "ssl", "none"] = Field(
        default="starttls", description="How the connection is protected: starttls, ssl or none."
    )
    user: str | None = Field(default=None, description="User name, where the server asks for one.")
    password: SecretStr | None = Field(default=None, description="Its password.")
    timeout_seconds: float = Field(default=20.0, gt=0, description="How long to wait for the server.")


class DigestSettings(Section):
    """The weekly e-mail."""

    sender: str | None = Field(default=None, description="The sender's address, such as grokwatch@example.org.")
    recipients: Words = Field(default=(), description="Who gets it: addresses, separated by commas.")
    language: Literal["en", "ja"] | None = Field(
        default=None, description="Its language, en or ja; left out: that of GROKWATCH_LANGUAGE."
    )
    quotes: bool = Field(default=True, description="Whether it quotes short extracts of posts.")
    dashboard_url: str | None = Field(
        default=None, description="Where its readers reach the dashboard; left out: it has no link."
    )


class SqlSettings(Section):
    """Limits of ad-hoc SQL (`grokwatch sql`)."""

    max_rows: int = Field(default=10_000, ge=1, description="Rows of an answer; the rest is cut off, and said so.")
    timeout_seconds: float = Field(default=30.0, gt=0, description="Seconds after which a question is given up.")


DEFAULT_SUBREDDITS = (
    "grok", "singularity", "artificial", "OpenAI", "ChatGPT", "ClaudeAI", "LocalLLaMA", "ArtificialInteligence",
    "GeminiAI", "Bard", "perplexity_ai", "DeepSeek", "MistralAI", "accelerate", "agi", "MachineLearning",
    "PromptEngineering", "technology", "Futurology", "programming", "learnprogramming", "teslamotors", "elonmusk", "Twitter",
    "newsokur", "lowlevelaware", "de", "france", "brasil", "mexico", "argentina", "italy", "Polska", "korea", "Turkey", "arabs",
    "india",
)  # fmt: skip
"""Communities about Grok, about its rivals, about technology, and of languages other than English."""


class RedditSettings(Section):
    """Reddit's API, or its feeds for those who have no key."""

    client_id: str | None = Field(
        default=None,
        description="Client id of a script app, from https://www.reddit.com/prefs/apps once it is approved.",
    )
    client_secret: SecretStr | None = Field(default=None, description="Its secret.")
    user_agent: str = Field(
        default="python:grokwatch:v0.1 (reputation research)",
        min_length=7,
        description="How Grokwatch names itself to Reddit; Reddit asks for your account in it, such as (by /u/NAME).",
    )
    subreddits: Words = Field(
        default=DEFAULT_SUBREDDITS,
        min_length=1,
        description="Communities that are watched, without r/, separated by commas.",
    )
    feeds: bool = Field(
        default=False,
        description="Read the public Atom feeds while there is no key: slower, with gaps, a request every 6 seconds.",
    )
    reddit_url: str = Field(
        default="https://www.reddit.com", pattern=r"^https?://", description="Where keys are shown and feeds lie."
    )
    oauth_url: str = Field(default="https://oauth.reddit.com", pattern=r"^https?://", description="Where the API lies.")
    timeout_seconds: float = Field(default=20.0, gt=0, description="How long to wait for an answer.")


DEFAULT_X_QUERY: Final = "(grok OR グロック OR 그록 OR грок OR جروك OR غروك OR ग्रोक) -from:grok -to:grok -is:retweet"
"""Names of Grok; what @grok says itself, what only calls it, and what only repeats are left out."""


class XSettings(Section):
    """X's API v2, which bills by the post."""

    bearer_token: SecretStr | None = Field(
        default=None, description="Bearer token of an app, from https://console.x.com. Without one X is left alone."
    )
    base_url: str = Field(default="https://api.x.com", pattern=r"^https?://", description="Where the API lies.")
    query: str = Field(
        default=DEFAULT_X_QUERY,
        min_length=1,
        max_length=512,
        description="What is searched for, in X's own operators, 512 characters at most with the language that is added.",
    )
    languages: Words = Field(
        default=("en", "ja"),
        description="Languages that are counted and sampled on their own, in X's codes; all others make one more group.",
    )
    monthly_budget_usd: float = Field(
        default=50.0, ge=0, description="What may be spent in a calendar month (UTC); it is never passed."
    )
    price_post_usd: float = Field(default=0.005, ge=0, description="What X takes for a post.")
    price_user_usd: float = Field(default=0.010, ge=0, description="What X takes for an account's profile.")
    price_counts_usd: float = Field(default=0.005, ge=0, description="What X takes for a request of counts.")
    monthly_posts: int = Field(default=2_000_000, ge=1, description="Posts that X lets an app read in a month.")
    expand_users: bool = Field(default=False, description="Buy the authors' profiles too; nothing of them is stored.")
    census_hours: int = Field(
        default=6, ge=1, le=160, description="How often the posts of each group are counted, in hours."
    )
    timeout_seconds: float = Field(default=20.0, gt=0, description="How long to wait for an answer.")
    compliance_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Part of the budget that is kept for asking whether stored posts were deleted; on the day of their "
        "collection that is free.",
    )


class ScheduleSettings(Section):
    """What `grokwatch up` and `grokwatch run` do, and how often."""

    reddit_minutes: float = Field(default=10, ge=1, description="Minutes between two visits to Reddit.")
    x_minutes: float = Field(default=60, ge=1, description="Minutes between two visits to X.")
    compliance_minutes: float = Field(
        default=60, ge=1, description="Minutes between two passes that ask for stored posts whether they still stand."
    )
    reddit_recheck_hours: float = Field(
        default=24, gt=0, le=48, description="Hours after which a stored post of Reddit is asked for again."
    )
    x_recheck_hours: float = Field(
        default=24,
        gt=0,
        description="Hours after which a stored post of X is asked for again, as far as the money goes.",
    )
    rollups_minutes: float = Field(default=60, ge=1, description="Minutes between two passes of upkeep.")
    alerts_minutes: float = Field(default=15, ge=1, description="Minutes between two looks at what should be told.")
    digest_weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="Day on which the digest of the last week is sent: mon to sun."
    )
    digest_hour: int = Field(default=8, ge=0, le=23, description="Hour of that day from which on it is sent.")
    timezone: Timezone = Field(
        default="UTC", description="Time zone of that hour, such as Asia/Tokyo; weeks are always those of UTC."
    )


class _Environment(EnvSettingsSource):
    """The environment; a `GROKWATCH_` name that is no setting is handed on, so that it is refused and not overlooked."""

    def __call__(self) -> dict[str, Any]:
        return {**_strangers(self.settings_cls, os.environ), **super().__call__()}


class _EnvFile(DotEnvSettingsSource):
    """The file `.env`, which other programs may share: only `GROKWATCH_` names are ours to judge."""

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        ours = {name: value for name, value in super().__call__().items() if name in fields}
        return {**_strangers(self.settings_cls, self.env_vars), **ours}


class Settings(BaseSettings):
    """All settings; every field has a default that works on a fresh machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        enable_decoding=False,
        extra="forbid",
        frozen=True,
    )

    database_url: str = Field(
        default="sqlite:///data/grokwatch.db",
        repr=False,  # it may hold a password
        description="Where the posts are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.",
    )
    data_dir: Path = Field(
        default=Path("data"), description="Folder for everything else that is kept: reject files, the author key."
    )
    hash_key: SecretStr | None = Field(
        default=None,
        description="Secret under which author names are hashed; names are never stored. "
        "Keep it: with another key an author counts as somebody new.",
    )
    host: str = Field(default="127.0.0.1", description="Address the dashboard is served at.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port the dashboard is served at.")
    language: Literal["en", "ja"] = Field(
        default="en", description="Language of dashboard, digest and charts: en or ja."
    )
    model: str = Field(
        default="shipped",
        min_length=1,
        description="The classifier: shipped, the folder of another model, or openai:NAME for a chat model.",
    )
    model_labels: Path | None = Field(
        default=None,
        description="YAML file that says what the labels of a model from Hugging Face mean; left out: labels.yaml in its "
        "folder.",
    )
    terms: Words = Field(
        default=DEFAULT_TERMS,
        min_length=1,
        description="Names that a post must contain to be kept, in any case, separated by commas.",
    )
    classify_every_seconds: int = Field(
        default=60, ge=5, description="How often the scheduler labels posts that are new."
    )
    reddit: RedditSettings = Field(default=RedditSettings(), description="Reddit")
    x: XSettings = Field(default=XSettings(), description="X")
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="Schedule")
    smtp: SmtpSettings = Field(default=SmtpSettings(), description="Mail server")
    digest: DigestSettings = Field(default=DigestSettings(), description="Weekly digest")
    alerts: AlertSettings = Field(default=AlertSettings(), description="Alerts")
    sql: SqlSettings = Field(default=SqlSettings(), description="Ad-hoc SQL")
    llm: LlmSettings = Field(default=LlmSettings(), description="Chat model, where GROKWATCH_MODEL=openai:NAME")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, then `.env`."""
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, _Environment(settings_cls), _EnvFile(settings_cls)

    @cached_property
    def digest_language(self) -> Literal["en", "ja"]:
        """The digest's language: its own setting, else the general one."""
        return self.digest.language or self.language

    @cached_property
    def alerts_language(self) -> Literal["en", "ja"]:
        """The alerts' language: their own setting, else the general one."""
        return self.alerts.language or self.language


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Give the section that a field holds, None where it holds a value."""
    held = field.annotation
    return held if isinstance(held, type) and issubclass(held, BaseModel) else None


def fields(settings: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the environment name and the field of every setting, sections opened, in the order of the classes."""
    for name, field in settings.model_fields.items():
        section = section_of(field)
        if section is None:
            yield prefix + name.upper(), field
        else:
            yield from fields(section, prefix + name.upper() + NESTED)


def _strangers(settings: type[BaseModel], names: Any) -> dict[str, Any]:  # noqa: ANN401 - any mapping of names
    known = {name for name, _ in fields(settings)}
    return {name.lower(): "" for name in names if name.upper().startswith(PREFIX) and name.upper() not in known}


def explain(error: ValidationError) -> tuple[str, str]:
    """Say what is wrong with the settings, and the mend; a value is never repeated, for it may be a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    parts = [str(part) for part in first["loc"] if isinstance(part, str)]
    name = PREFIX + NESTED.join(parts).upper().removeprefix(PREFIX)
    where = "in .env or the environment"
    known = [known for known, _ in fields()]
    group = [other for other in known if other.startswith(name + NESTED)]
    if group:
        return f"{name} is a group of settings, not one", f"set {group[0]} and its like {where}"
    if first["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        return f"the setting {name} is unknown, the nearest is {nearest}", f"correct or remove it {where}"
    if first["type"] == "string_pattern_mismatch":  # only addresses have a pattern
        return f"the setting {name} is no address: it must begin with http:// or https://", f"correct it {where}"
    reason = re.sub(r"^(Value error, |Input |Tuple |String )", "", first["msg"])
    reason = re.split(r", unable| after validation", reason)[0]
    return f"the setting {name} can't be used: it {reason}", f"correct it {where}"
