"""What may be said about a week, in words: never more than its intervals allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from digest.findings import Findings, WeekStatus
from insights.catalogue import Catalogue
from insights.changes import Change, Verdict
from insights.events import Event
from insights.shares import ENOUGH, Share
from insights.wording import count, day_name, interval, moment_name, percent, period_name, points

CLEAR = (Verdict.UP, Verdict.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    """A line of the table of shares, ready to be shown; empty words where there is nothing to say."""

    category: str
    name: str
    share: str
    interval: str
    change: str
    change_points: str
    clear: bool
    report: str


class Sentences:
    """The findings of a week in the reader's language."""

    def __init__(self, findings: Findings, words: Catalogue) -> None:
        self.findings = findings
        self.words = words

    @cached_property
    def week(self) -> str:
        """Name the week."""
        week = self.findings.week
        return self.words(
            "digest.week", number=week.number, year=week.year, period=period_name(week.start, week.end, self.words)
        )

    @cached_property
    def subject(self) -> str:
        """Say the main message in one line, after marks for sample data and a week that has not ended."""
        week = self.findings.week
        line = self.words(
            "digest.subject.frame",
            number=week.number,
            period=period_name(week.start, week.end, self.words),
            message=self._message,
        )
        marks = [
            self.words(f"digest.subject.{mark}")
            for mark, holds in (("sample", self.findings.sample), ("not_complete", not self.findings.complete))
            if holds
        ]
        return "".join([*marks, line])

    @cached_property
    def _message(self) -> str:
        status = self.findings.status
        posts = count(self.in_five)
        if status is not WeekStatus.OK:
            return self.words(f"digest.subject.{status}", posts=posts)
        clear = self._clear_changes
        if clear:
            change = max(clear, key=lambda change: abs(change.difference or 0.0))
            share = next(share for share in self.findings.shares if share.category is change.category)
            return self.words(
                "digest.subject.changed",
                name=self._name(share),
                points=points(change.difference or 0.0, self.words),
                share=percent(share.share or 0.0),
                posts=posts,
            )
        first, rivals = self._leader
        if rivals:
            return self.words("digest.subject.no_lead", posts=posts)
        return self.words("digest.subject.lead", name=self._name(first), share=percent(first.share or 0.0), posts=posts)

    @cached_property
    def headline(self) -> str:
        """Say which share is the largest, or why none is shown."""
        status = self.findings.status
        if status is not WeekStatus.OK:
            return self.words(
                f"digest.headline.{status}",
                effective=count(self.findings.shares[0].effective_posts),
                needed=count(ENOUGH),
                posts=count(self.findings.posts.stored),
            )
        first, rivals = self._leader
        return self.words(
            f"digest.headline.{'no_lead' if rivals else 'lead'}",
            name=self._name(first),
            share=percent(first.share or 0.0),
            interval=_interval(first, self.words),
            others=self.words("digest.quoted_separator").join(
                self.words("digest.quoted", name=self._name(share)) for share in rivals
            ),
        )

    @cached_property
    def changed(self) -> str | None:
        """Say what changed clearly from the week before; None where there are no shares."""
        if self.findings.status is not WeekStatus.OK:
            return None
        if all(change.verdict is Verdict.UNKNOWN for change in self.findings.changes):
            return self.words("digest.change.unknown")
        if not self._clear_changes:
            return self.words("digest.change.none")
        told = self.words("digest.list_separator").join(
            self.words(
                "digest.change.one",
                name=self.words(f"category.{change.category}"),
                points=_points_interval(change, self.words),
            )
            for change in self._clear_changes
        )
        return self.words("digest.change.some", changes=told)

    @property
    def shows_table(self) -> bool:
        """Tell whether there are posts to make shares of, few as they may be."""
        return self.findings.status in {WeekStatus.OK, WeekStatus.TOO_FEW}

    @cached_property
    def caption(self) -> str:
        """Name the denominator."""
        return self.words(
            "digest.table.caption", denominator=self.words(f"denominator.{self.findings.shares[0].denominator}")
        )

    @cached_property
    def rows(self) -> Sequence[ShareRow]:
        """Give the table of the five shares; the rows are there even where no share can be shown."""
        return [
            self._row(share, change) for share, change in zip(self.findings.shares, self.findings.changes, strict=True)
        ]

    @cached_property
    def note(self) -> str:
        """Say what the report's column is, and what it lacks."""
        return self.words("digest.sentence_separator").join(
            self.words(key) for key in ("digest.table.note", "baseline.warning")
        )

    @cached_property
    def basis(self) -> Sequence[str]:
        """Say how many posts the shares rest on."""
        now, before = self.findings.posts, self.findings.posts_before
        if not now.stored:
            return [self.words("digest.basis.volume_before", before=count(before.stored))]
        return [
            self.words(
                "digest.basis.five",
                posts=count(self.in_five),
                effective=count(self.findings.shares[0].effective_posts),
                before=count(self.findings.before[0].effective_posts),
            ),
            self.words(
                "digest.basis.volume",
                posts=count(now.stored),
                before=count(before.stored),
                relevant=count(now.relevant),
            ),
        ]

    @cached_property
    def warnings(self) -> Sequence[str]:
        """Give what a reader must know before trusting the figures: labels that wait, days without a post."""
        posts = self.findings.posts
        told: list[str] = []
        if not self.findings.complete:
            told.append(self.words("digest.not_complete_note", end=moment_name(self.findings.week.end, self.words)))
        if posts.waiting:
            told.append(self.words("digest.basis.unlabelled", waiting=count(posts.waiting), posts=count(posts.stored)))
        if posts.stored and posts.quiet_days:
            names = self.words("digest.list_separator").join(day_name(day, self.words) for day in posts.quiet_days)
            told.append(self.words("digest.basis.quiet", days=len(posts.quiet_days), of=posts.days, names=names))
        return told

    @cached_property
    def events(self) -> Sequence[str]:
        """Name the events of the week."""
        return [self._event(event) for event in self.findings.events]

    @cached_property
    def method(self) -> str:
        """Say how the numbers are made."""
        first = self.findings.shares[0]
        kind = "uncorrected" if not first.corrected else "extrapolated" if first.extrapolated else "corrected"
        covers = self.words(f"digest.method.{kind}", audits=count(first.audited))
        return self.words("digest.method.text", needed=count(ENOUGH), covers=covers)

    @cached_property
    def made(self) -> str:
        """Say when the letter was made."""
        return self.words("digest.footer.made", moment=moment_name(self.findings.now, self.words))

    @property
    def in_five(self) -> int:
        """Posts labelled with one of the five categories."""
        return sum(share.posts for share in self.findings.shares)

    @cached_property
    def _clear_changes(self) -> list[Change]:
        return [change for change in self.findings.changes if change.verdict in CLEAR]

    @cached_property
    def _leader(self) -> tuple[Share, list[Share]]:
        """Give the largest share, and those it does not clearly exceed: their intervals overlap its own."""
        ranked = sorted(self.findings.shares, key=lambda share: -(share.share or 0.0))
        first = ranked[0]
        return first, [share for share in ranked[1:] if (share.high or 0.0) >= (first.low or 0.0)]

    def _name(self, share: Share) -> str:
        return self.words(f"category.{share.category}")

    def _row(self, share: Share, change: Change) -> ShareRow:
        return ShareRow(
            category=share.category.value,
            name=self._name(share),
            share=percent(share.share) if share.share is not None else self.words(f"status.{share.status}"),
            interval=_interval(share, self.words),
            change=self._verdict(change),
            change_points=_points_interval(change, self.words),
            clear=change.verdict in CLEAR,
            report=percent(self.findings.baseline[share.category]) if share.category in self.findings.baseline else "",
        )

    def _verdict(self, change: Change) -> str:
        return self.words(f"digest.table.change.{change.verdict}")

    def _event(self, event: Event) -> str:
        span = (event.starts_at, event.ends_at) if event.ends_at else (event.starts_at, event.starts_at)
        told = f"{period_name(*span, self.words)}: {event.title(self.words.language)}"
        return f"{told} ({self.words('digest.events.expected')})" if event.expected else told


def _interval(share: Share, words: Catalogue) -> str:
    return interval(share.low, share.high, words) if share.low is not None and share.high is not None else ""


def _points_interval(change: Change, words: Catalogue) -> str:
    if change.difference is None or change.low is None or change.high is None:
        return ""
    values = {"points": change.difference, "low": change.low, "high": change.high}
    return words("digest.change.points", **{name: _signed(value) for name, value in values.items()})


def _signed(value: float) -> str:
    """Write percentage points with their sign; with a decimal where the whole number would hide on which side of zero it is."""
    number = round(value * 100) or round(value * 100, 1)
    sign = "±" if number == 0 else "+" if number > 0 else "−"  # noqa: RUF001 - the typographic minus is meant
    return f"{sign}{abs(number):g}"
