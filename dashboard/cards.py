"""The shares at a glance: a card a category, with interval and change, and the key to the colours."""

from collections.abc import Mapping, Sequence
from html import escape

from classifiers.codebook import Category
from insights.catalogue import Catalogue
from insights.changes import Change, Verdict
from insights.charts import COLOURS
from insights.shares import Share
from insights.wording import interval, percent, points

STYLE = """<style>
.gw-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 100%), 1fr)); gap: .75rem; }
.gw-cards .card { padding: .7rem .9rem .8rem; border-radius: .5rem; border-left: .35rem solid var(--colour);
  background: color-mix(in srgb, currentColor 5%, transparent); }
.gw-cards .name { font-size: .9rem; line-height: 1.25; min-height: 2.5em; }
.gw-cards .share { font-size: 1.9rem; font-weight: 600; line-height: 1.2; }
.gw-key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; }
.gw-key span::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .45em; border-radius: 2px;
  background: var(--colour); }
.gw-cards .interval, .gw-cards .change { font-size: .85rem; line-height: 1.4; }
</style>"""


def cards(shares: Sequence[Share], changes: Mapping[Category, Change], words: Catalogue) -> str:
    """Write the cards of one period as HTML."""
    return f'{STYLE}<div class="gw-cards" role="list">{"".join(_card(share, changes.get(share.category), words) for share in shares)}</div>'


def key(categories: Sequence[Category], words: Catalogue) -> str:
    """Write which colour is which category as HTML; it wraps where there is no room."""
    names = (f'<span style="--colour: {COLOURS[one]}">{escape(words(f"category.{one}"))}</span>' for one in categories)
    return f'{STYLE}<div class="gw-key">{"".join(names)}</div>'


def _card(share: Share, change: Change | None, words: Catalogue) -> str:
    if share.share is None or share.low is None or share.high is None:
        value, between = words(f"status.{share.status}"), ""
    else:
        value, between = percent(share.share), words("card.interval", interval=interval(share.low, share.high, words))
    lines = (
        ("name", words(f"category.{share.category}")),
        ("share", value),
        ("interval", between),
        ("change", change_text(change, words)),
    )
    about = escape(words(f"category.about.{share.category}"), quote=True)
    inner = "".join(f'<div class="{kind}">{escape(text)}</div>' for kind, text in lines)
    return (
        f'<div class="card" role="listitem" style="--colour: {COLOURS[share.category]}" title="{about}">{inner}</div>'
    )


def change_text(change: Change | None, words: Catalogue) -> str:
    """Say how a share moved, and whether that can be told from chance."""
    if change is None or change.difference is None or change.low is None or change.high is None:
        return words("card.change.unknown")
    verdict = "clear" if change.verdict in {Verdict.UP, Verdict.DOWN} else "unclear"
    between = words("format.points_interval", low=_bare(change.low, words), high=_bare(change.high, words))
    return words(f"card.change.{verdict}", points=points(change.difference, words), interval=between)


def _bare(value: float, words: Catalogue) -> str:
    return points(value, words).removesuffix(words("format.points", points=""))
