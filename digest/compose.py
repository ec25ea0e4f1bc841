"""The letter: subject, HTML and plain text of a week's findings in one language. Words come from the text files alone."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mjml
from jinja2 import Environment, PackageLoader, StrictUndefined

from digest.findings import Findings, WeekStatus
from digest.plain import plain_text
from digest.sentences import Sentences
from insights import charts
from insights.catalogue import load

CHART_WIDTH = 420
"""Pixels of a chart's plot: about 500 with its axes, so that its words stay legible on a phone's 340."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture inside the HTML part, which names it `cid:…`; `alt` says what it shows, figures included."""

    cid: str
    filename: str
    png: bytes
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A digest in words and pictures; `name` is its kind and language (`weekly-en`), `period` its week."""

    name: str
    period: str
    lang: str
    subject: str
    html: str
    text: str
    pictures: Sequence[Picture]

    def standalone_html(self) -> str:
        """Give the HTML with its pictures inside, for a browser."""
        html = self.html
        for picture in self.pictures:
            data = base64.b64encode(picture.png).decode("ascii")
            html = html.replace(f"cid:{picture.cid}", f"data:image/png;base64,{data}")
        return html


def name_of(lang: str) -> str:
    """Give the name of the digest in a language."""
    return f"weekly-{lang}"


def compose(findings: Findings, lang: str, *, dashboard_url: str | None = None) -> Letter:
    """Write the letter.

    Parameters
    ----------
    lang
        `en` or `ja`.
    dashboard_url
        Where the readers reach the dashboard; None leaves the link out.
    """
    words = load(lang, "digest")
    sentences = Sentences(findings, words)
    pictures = _pictures(findings, sentences)
    content = {
        "lang": lang,
        "say": sentences,
        "words": words,
        "pictures": pictures,
        "colours": {category.value: colour for category, colour in charts.COLOURS.items()},
        "dashboard_url": dashboard_url,
    }
    return Letter(
        name=name_of(lang),
        period=str(findings.week),
        lang=lang,
        subject=sentences.subject,
        html=_html(content),
        text=plain_text(sentences, words, dashboard_url=dashboard_url),
        pictures=pictures,
    )


def _pictures(findings: Findings, sentences: Sentences) -> list[Picture]:
    frame = charts.Frame(
        words=sentences.words,
        now=findings.now,
        sample=findings.sample,
        events=findings.trend_events,
        width=CHART_WIDTH,
    )
    drawn: dict[str, Any] = {}
    if findings.status is WeekStatus.OK and findings.baseline:
        drawn["shares"] = charts.baseline_chart(findings.shares, findings.baseline, frame)
    if len({share.period_start for share in findings.trend if share.share is not None}) > 1:
        drawn["trend"] = charts.shares_chart(findings.trend, frame)
    return [
        Picture(
            cid=f"{name}-{findings.week}@grokwatch",
            filename=f"{name}-{findings.week}.png",
            png=charts.png(chart),
            alt=chart.description,
        )
        for name, chart in drawn.items()
    ]


def _html(content: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("digest"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return mjml.mjml2html(environment.get_template("digest.mjml.j2").render(content))
