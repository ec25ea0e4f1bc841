"""What the reader chose to see, as it stands in the address of the page: a view can be linked and comes back the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal, Self, TypeVar, get_args

from db.periods import Step, next_start, start_of
from insights.shares import Denominator

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Choice = TypeVar("Choice", bound=StrEnum)


class Preset(StrEnum):
    """Stretches of time by name; they end where the posts end, `CUSTOM` where the reader says."""

    ALL = "all"
    WEEKS_4 = "4w"
    WEEKS_13 = "13w"
    YEAR = "1y"
    CUSTOM = "custom"

    @property
    def length(self) -> timedelta | None:
        """How long the stretch is; None where the name doesn't tell."""
        return {"4w": timedelta(weeks=4), "13w": timedelta(weeks=13), "1y": timedelta(days=365)}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A choice of posts and how to show them.

    Parameters
    ----------
    since, until
        First and last day (UTC) of the preset `CUSTOM`, both included.
    sources, langs
        Platforms and BCP-47 tags; none means all.
    """

    language: Language = "en"
    preset: Preset = Preset.ALL
    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    step: Step = Step.WEEK
    denominator: Denominator = Denominator.FIVE

    @classmethod
    def from_params(cls, params: Mapping[str, str], *, language: Language) -> Self:
        """Read the parameters of an address; what can't be understood is as if it weren't there.

        Parameters
        ----------
        language
            For an address that names none.
        """
        asked = params.get("lang", "")
        since, until = _day(params.get("from")), _day(params.get("to"))
        preset = _member(Preset, params.get("period"), Preset.ALL)
        if preset is Preset.CUSTOM and (since is None or until is None or since > until):
            preset, since, until = Preset.ALL, None, None
        return cls(
            language=asked if asked in LANGUAGES else language,
            preset=preset,
            since=since if preset is Preset.CUSTOM else None,
            until=until if preset is Preset.CUSTOM else None,
            sources=_list(params.get("source")),
            langs=_list(params.get("posts_in")),
            step=_member(Step, params.get("step"), Step.WEEK),
            denominator=_member(Denominator, params.get("of"), Denominator.FIVE),
        )

    def params(self, *, language: Language) -> dict[str, str]:
        """Give the parameters of this view's address, without those that say what goes without saying."""
        told = {
            "lang": "" if self.language == language else self.language,
            "period": "" if self.preset is Preset.ALL else self.preset.value,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "source": ",".join(self.sources),
            "posts_in": ",".join(self.langs),
            "step": "" if self.step is Step.WEEK else self.step.value,
            "of": "" if self.denominator is Denominator.FIVE else self.denominator.value,
        }
        return {name: value for name, value in told.items() if value}

    def span(self, first: datetime, last: datetime) -> tuple[datetime, datetime]:
        """Give the stretch of time, half-open and widened to whole periods, so that no period is shown in part.

        Parameters
        ----------
        first, last
            Times of the first and the last labelled post.
        """
        if self.since is not None and self.until is not None:
            start, end = _midnight(self.since), _midnight(self.until)
        else:
            end = last
            start = first if self.preset.length is None else max(first, last - self.preset.length)
        return start_of(self.step, start), next_start(self.step, start_of(self.step, end))

    def without_filters(self) -> Self:
        """Give the view of all posts in the same language."""
        return type(self)(language=self.language)

    def known(self, *, sources: Sequence[str], langs: Sequence[str]) -> Self:
        """Leave out sources and languages that the database doesn't hold, such as those of an old link."""
        return replace(
            self,
            sources=tuple(source for source in self.sources if source in sources),
            langs=tuple(lang for lang in self.langs if lang in langs),
        )


def _member(kind: type[Choice], text: str | None, default: Choice) -> Choice:
    return kind(text) if text in list(kind) else default


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in (text or "").split(",") if part))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
