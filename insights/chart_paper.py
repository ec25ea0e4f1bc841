"""Charts as pictures: what a page would settle for a chart is settled here, for black on white."""

from typing import Any, Final

import altair as alt

FONTS: Final = "Source Sans, Noto Sans, Noto Sans CJK JP, Noto Sans JP, Hiragino Sans, Yu Gothic UI, Meiryo, DejaVu Sans, sans-serif"
"""Fonts of pictures, the first that is there; the later ones hold Japanese."""

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
    return spec | {"config": config | spec.get("config", {})}
