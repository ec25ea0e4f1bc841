"""Charts as pictures: what a page would settle for a chart is settled here, for black on white.

The font comes with Grokwatch, so that a picture looks the same on every machine, and says its Japanese on a server without
fonts too. What it lacks, such as Hangul, is taken from the fonts of the machine.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import altair as alt
import vl_convert

FONT_FOLDER: Final = Path(__file__).parent / "fonts"

FONTS: Final = "Grokwatch Sans JP, Noto Sans, sans-serif"
"""Fonts of pictures, the first that has the letter."""

PAPER_WIDTH: Final = 560
"""Plot width in pixels of a picture whose chart names none."""


def on_paper(chart: alt.LayerChart) -> dict[str, Any]:
    """Give the specification of a chart with width, fonts and colours of a page of paper."""
    spec = chart.to_dict()
    if spec.get("width") == "container":
        spec["width"] = PAPER_WIDTH
    spec["autosize"] = "pad"
    spec["background"] = "white"
    spec["padding"] = 12
    config = {
        "font": FONTS,
        "view": {"stroke": None},
        "axis": {
            "labelFontSize": 11,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": "#e3e5e8",
            "domainColor": "#9aa0a8",
            "tickColor": "#9aa0a8",
        },
        "title": {"anchor": "start", "fontSize": 15},
        "legend": {"labelFontSize": 12, "labelLimit": 300},
    }
    return spec | {"config": spec.get("config", {}) | config}


def draw(chart: alt.LayerChart, *, scale: float) -> bytes:
    """Draw a chart as a PNG file."""
    _register_fonts()
    return vl_convert.vegalite_to_png(on_paper(chart), scale=scale)


@cache
def _register_fonts() -> None:
    vl_convert.register_font_directory(str(FONT_FOLDER))
