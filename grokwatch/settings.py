"""Settings: `GROKWATCH_*` variables and the file `.env`, nested names joined by two underscores."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_TERMS = ("grok", "グロック", "그록", "грок", "جروك", "غروك", "ग्रोक")
"""Names of Grok in the scripts of the codebook; matched without regard to case."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SmtpSettings(_Section):
    """Where the digest is handed in; `tls` is how the connection is protected."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    timeout_seconds: float = Field(default=20.0, gt=0)


class DigestSettings(_Section):
    """Who gets the digest, from whom, in which language, and whether it quotes posts."""

    sender: str | None = None
    recipients: tuple[str, ...] = ()
    language: Literal["en", "ja"] | None = None
    quotes: bool = True


class SqlSettings(_Section):
    """Limits of ad-hoc SQL."""

    max_rows: int = Field(default=10_000, ge=1)
    timeout_seconds: float = Field(default=30.0, gt=0)


class Settings(BaseSettings):
    """All settings; every field has a default that works on a fresh machine."""

    model_config = SettingsConfigDict(
        env_prefix="GROKWATCH_", env_nested_delimiter="__", env_file=".env", extra="forbid", frozen=True
    )

    database_url: str = "sqlite:///data/grokwatch.db"
    data_dir: Path = Path("data")
    hash_key: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    language: Literal["en", "ja"] = "en"
    model: str = "shipped"
    terms: tuple[str, ...] = DEFAULT_TERMS
    classify_every_seconds: int = Field(default=60, ge=5)
    smtp: SmtpSettings = SmtpSettings()
    digest: DigestSettings = DigestSettings()
    sql: SqlSettings = SqlSettings()

    @cached_property
    def digest_language(self) -> Literal["en", "ja"]:
        """The digest's language: its own setting, else the general one."""
        return self.digest.language or self.language
