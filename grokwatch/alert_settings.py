"""The settings of alerts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from grokwatch.setting_types import Addresses, Section, Words
from grokwatch.share_rules import parse


def _as_share_rules(rules: tuple[str, ...]) -> tuple[str, ...]:
    for rule in rules:
        parse(rule)
    return rules


class AlertSettings(Section):
    """What is told at once, and to whom."""

    urls: Addresses = Field(
        default=(),
        description="Where alerts go: addresses of Apprise, separated by commas, such as mailto://…, slack://…, "
        "tgram://… or json://…; see https://appriseit.com/services/. Left out: the dashboard alone shows them.",
    )
    language: Literal["en", "ja"] | None = Field(
        default=None, description="Their language, en or ja; left out: that of GROKWATCH_LANGUAGE."
    )
    shares: Annotated[Words, AfterValidator(_as_share_rules)] = Field(
        default=(),
        description="Bounds of shares over the last seven days, separated by commas, such as latency > 40%, "
        "bias > 30% of relevant in ja on x. One fires when the whole 95% interval lies beyond its bound.",
    )
    changes: bool = Field(default=True, description="Tell when a share moves and that is no chance.")
    volume_factor: float = Field(
        default=2.0,
        ge=0,
        description="Tell when a platform's posts about Grok grow by this factor, or shrink by it, beyond chance; "
        "0: never.",
    )
    silent_hours: float = Field(
        default=6,
        ge=0,
        description="Hours without a successful visit after which a platform counts as silent; 0: never.",
    )
    budget: bool = Field(default=True, description="Tell when 80% and 100% of the month's money for X are spent.")
    holes: bool = Field(default=True, description="Tell when posts were missed that can't be had any more.")
    failures: bool = Field(default=True, description="Tell when a job has failed twice in a row.")
    cooldown_hours: float = Field(
        default=24, gt=0, description="Hours after which what goes on is told again, unless somebody took note of it."
    )
    figures_cooldown_hours: float = Field(
        default=168, gt=0, description="The same for shares, changes and volumes, which move slowly."
    )
