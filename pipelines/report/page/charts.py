"""Charts of the model as SVG, drawn by Vega-Lite. Nothing is counted here, and nothing is asked.

Colours are CSS variables of the page, so that a chart follows its light or dark. What a mark shows when pointed at is
its SVG title. The library starts an engine of its own for the first chart (most of a second): imported when needed.
"""

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from pipelines.report.model import SLOT_COUNT, Chart

WIDTH, HEIGHT = 350, 168
POINT_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
"""Of the points of each series: lines are told apart without colour too."""

_LABELS = 5
_DATE_LABELS: Mapping[str, str] = {
    "day": "utcFormat(toDate(datum.value), '%-d %b')",
    "week": "utcFormat(toDate(datum.value), '%-d %b')",
    "month": "utcFormat(toDate(datum.value), '%b ’%y')",
    "quarter": "utcFormat(toDate(datum.value), 'Q%q ’%y')",
    "year": "utcFormat(toDate(datum.value), '%Y')",
}
_FEW, _THOUSANDS = 4, 10_000  # where the labels of an axis are others
_DIGITS = ((2, 0.1), (3, 0.01))  # that tell the labels of money apart, up from which height
_SYMBOL = re.compile(r'<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)/>')
_SPOKEN = re.compile(r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"')
_PLACED = re.compile(r' (?:d|transform)="[^"]*"')
_LONG = re.compile(r"\d+\.\d{2,}")


def render_svg(chart: Chart) -> Markup:
    """The chart, as wide as its place; for readers of screens it is one picture with ``says`` as its text."""
    import vl_convert

    drawn = str(vl_convert.vegalite_to_svg(_spec(chart)))
    inner = _SPOKEN.sub("", _SYMBOL.sub(r"<path\2><title>\1</title></path>", drawn[drawn.index(">") + 1 :]))
    inner = _PLACED.sub(lambda places: _LONG.sub(_rounded, places[0]), inner)
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, chart.alt_text)
    return head + Markup(inner)  # noqa: S704 - Vega escapes what names it draws


def _rounded(number: re.Match[str]) -> str:
    """A tenth of a pixel is as fine as anybody sees, and most of the page is such numbers."""
    return f"{float(number[0]):.1f}"


def _spec(chart: Chart) -> dict[str, Any]:
    values = [
        {
            "at": mark.bucket_date.isoformat(),
            "slot": mark.slot,
            "value": mark.value,
            "said": mark.tooltip,
            "part": mark.is_partial,
        }
        for mark in chart.marks
    ]
    encoding = {"x": _x(chart), "y": _y(chart), "description": {"field": "said"}}
    layers = _bars(chart) if chart.kind == "bars" else _lines()
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 0, "right": 6, "top": 6, "bottom": 3},
        "background": None,
        "data": {"values": values},
        "encoding": encoding,
        "layer": layers,
        "config": _CONFIG,
    }


def _bars(chart: Chart) -> list[dict[str, Any]]:
    few = len(chart.bucket_dates) < 8
    slots = {mark.slot for mark in chart.marks}
    return [
        {
            "mark": {
                "type": "bar",
                "width": 24 if few else {"band": 0.78},
                "stroke": "var(--paper)",
                "strokeWidth": 0.75 if len(slots) > 1 else 0,
            },
            "encoding": {
                "color": _COLOUR,
                "order": {"field": "order"},
                "opacity": {"condition": {"test": "datum.part", "value": 0.45}, "value": 1},
            },
            "transform": [{"calculate": f"datum.slot === 0 ? {SLOT_COUNT + 1} : datum.slot", "as": "order"}],
        }
    ]


def _lines() -> list[dict[str, Any]]:
    return [
        {"mark": {"type": "line", "strokeWidth": 1.75, "aria": False}, "encoding": {"color": _COLOUR}},
        {
            "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
            "encoding": {
                "color": _COLOUR,
                "shape": {
                    "field": "slot",
                    "type": "nominal",
                    "scale": {"domain": list(range(1, SLOT_COUNT + 1)), "range": list(POINT_SHAPES)},
                    "legend": None,
                },
            },
        },
    ]


_COLOUR = {
    "field": "slot",
    "type": "nominal",
    "scale": {
        "domain": list(range(SLOT_COUNT + 1)),
        "range": ["var(--rest)", *(f"var(--slot-{slot})" for slot in range(1, SLOT_COUNT + 1))],
    },
    "legend": None,
}

_CONFIG = {
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"labelColor": "var(--soft)", "labelFontSize": 11, "title": None, "ticks": False, "domain": False},
    "axisY": {"gridColor": "var(--line)", "labelPadding": 8, "minExtent": 42},
    "axisX": {"grid": False, "labelPadding": 8, "labelAngle": 0, "domain": True, "domainColor": "var(--line)"},
}


def _x(chart: Chart) -> dict[str, Any]:
    return {
        "field": "at",
        "type": "ordinal",
        "scale": {"domain": [at.isoformat() for at in chart.bucket_dates], "paddingOuter": 0.1},
        "axis": {
            "values": [at.isoformat() for at in _labelled(chart)],
            "labelExpr": _DATE_LABELS[chart.bucket_unit],
            "labelOverlap": "parity",
        },
    }


def _y(chart: Chart) -> dict[str, Any]:
    """Counts and money from 0; shares from the ten per cent below the least of them, where lines can be told apart."""
    least, top = min(mark.value for mark in chart.marks), _top(chart)
    axis: dict[str, Any] = {"tickCount": 4}
    scale: dict[str, Any] = {"zero": True}
    match chart.value_format:
        case "number":
            axis["format"] = ",~r"
            if top >= _THOUSANDS:
                axis["labelExpr"] = "datum.value ? format(datum.value, '~s') : '0'"
            if top <= _FEW:  # no half conversations
                axis["values"] = list(range(math.ceil(top) + 1))
        case "percent":
            axis["format"] = ".0%"
            scale = {"domain": [max(0, math.floor(least * 10 - 1) / 10), 1]}
        case "amount":
            axis["format"] = f",.{next((digits for digits, least in _DIGITS if top >= least), 4)}f"
    return {"field": "value", "type": "quantitative", "axis": axis, "scale": scale}


def _top(chart: Chart) -> float:
    """Where the highest bar or point ends."""
    heights: dict[date, float] = {}
    for mark in chart.marks:
        below = heights.get(mark.bucket_date, 0.0)
        heights[mark.bucket_date] = below + mark.value if chart.kind == "bars" else max(below, mark.value)
    return max(heights.values())


def _labelled(chart: Chart) -> list[date]:
    """The buckets that have a label: evenly apart, days by their weeks' first."""
    at, step = list(chart.bucket_dates), -(-len(chart.bucket_dates) // _LABELS)
    if chart.bucket_unit == "day" and len(at) >= 14:
        mondays = [day for day in at if day.weekday() == 0]
        return mondays[:: -(-len(mondays) // _LABELS)]
    return at[::step]
