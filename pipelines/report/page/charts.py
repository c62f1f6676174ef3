"""Draw the model's charts as SVG with Vega-Lite. Calculations and queries do not belong here.

Colours are CSS variables of the page, so that a chart follows its light or dark scheme. A mark's tooltip is its SVG
title. The library is imported only when needed: it starts its own engine for the first chart (most of a second).
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
"""The point shape of each series, so that lines can be distinguished without colour."""

_MAX_LABELS = 5
_DATE_LABELS: Mapping[str, str] = {
    "day": "utcFormat(toDate(datum.value), '%-d %b')",
    "week": "utcFormat(toDate(datum.value), '%-d %b')",
    "month": "utcFormat(toDate(datum.value), '%b ’%y')",
    "quarter": "utcFormat(toDate(datum.value), 'Q%q ’%y')",
    "year": "utcFormat(toDate(datum.value), '%Y')",
}
_WHOLE_NUMBERS_UP_TO, _ABBREVIATED_FROM = 4, 10_000  # highest values at which an axis changes its labels
_MONEY_DIGITS = ((2, 0.1), (3, 0.01))  # digits that keep the labels distinct, from which highest value on
_MARK_PATH = re.compile(r'<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)/>')
_ARIA_ATTRIBUTE = re.compile(r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"')
_POSITION_ATTRIBUTE = re.compile(r' (?:d|transform)="[^"]*"')
_LONG_NUMBER = re.compile(r"\d+\.\d{2,}")


def render_svg(chart: Chart) -> Markup:
    """Return the chart as SVG of its container's width; screen readers get one picture with ``alt_text``."""
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(_build_spec(chart)))
    inner = _ARIA_ATTRIBUTE.sub("", _MARK_PATH.sub(r"<path\2><title>\1</title></path>", svg[svg.index(">") + 1 :]))
    inner = _POSITION_ATTRIBUTE.sub(lambda attribute: _LONG_NUMBER.sub(_round_number, attribute[0]), inner)
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, chart.alt_text)
    return head + Markup(inner)  # noqa: S704 - Vega escapes the texts that it draws


def _round_number(number: re.Match[str]) -> str:
    """Round a coordinate to 0.1 pixels: finer steps are invisible, and most of the page consists of coordinates."""
    return f"{float(number[0]):.1f}"


def _build_spec(chart: Chart) -> dict[str, Any]:
    values = [
        {
            "bucket": mark.bucket_date.isoformat(),
            "slot": mark.slot,
            "value": mark.value,
            "tooltip": mark.tooltip,
            "is_partial": mark.is_partial,
        }
        for mark in chart.marks
    ]
    encoding = {"x": _build_x_axis(chart), "y": _build_y_axis(chart), "description": {"field": "tooltip"}}
    layers = _build_bars(chart) if chart.kind == "bars" else _build_lines()
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


def _build_bars(chart: Chart) -> list[dict[str, Any]]:
    has_few_bars = len(chart.bucket_dates) < 8
    slots = {mark.slot for mark in chart.marks}
    return [
        {
            "mark": {
                "type": "bar",
                "width": 24 if has_few_bars else {"band": 0.78},
                "stroke": "var(--paper)",
                "strokeWidth": 0.75 if len(slots) > 1 else 0,
            },
            "encoding": {
                "color": _COLOUR,
                "order": {"field": "order"},
                "opacity": {"condition": {"test": "datum.is_partial", "value": 0.45}, "value": 1},
            },
            "transform": [{"calculate": f"datum.slot === 0 ? {SLOT_COUNT + 1} : datum.slot", "as": "order"}],
        }
    ]


def _build_lines() -> list[dict[str, Any]]:
    """Return the lines with their points; those of a part of their days are hollow."""
    shape = {
        "field": "slot",
        "type": "nominal",
        "scale": {"domain": list(range(1, SLOT_COUNT + 1)), "range": list(POINT_SHAPES)},
        "legend": None,
    }
    point = {"type": "point", "size": 46, "opacity": 1}
    whole, hollow = {**point, "filled": True}, {**point, "fill": "var(--paper)", "strokeWidth": 1.75}
    return [
        {"mark": {"type": "line", "strokeWidth": 1.75, "aria": False}, "encoding": {"color": _COLOUR}},
        *(
            {"mark": mark, "encoding": {"color": _COLOUR, "shape": shape}, "transform": [{"filter": test}]}
            for mark, test in ((whole, "!datum.is_partial"), (hollow, "datum.is_partial"))
        ),
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


def _build_x_axis(chart: Chart) -> dict[str, Any]:
    return {
        "field": "bucket",
        "type": "ordinal",
        "scale": {"domain": [day.isoformat() for day in chart.bucket_dates], "paddingOuter": 0.1},
        "axis": {
            "values": [day.isoformat() for day in _choose_label_dates(chart)],
            "labelExpr": _DATE_LABELS[chart.bucket_unit],
            "labelOverlap": "parity",
        },
    }


def _build_y_axis(chart: Chart) -> dict[str, Any]:
    """Start counts and money at 0, and shares at the 10% step below the lowest, so that lines stay distinguishable."""
    lowest, top = min(mark.value for mark in chart.marks), _highest_end(chart)
    axis: dict[str, Any] = {"tickCount": 4}
    scale: dict[str, Any] = {"zero": True}
    match chart.value_format:
        case "number":
            axis["format"] = ",~r"
            if top >= _ABBREVIATED_FROM:
                axis["labelExpr"] = "datum.value ? format(datum.value, '~s') : '0'"
            if top <= _WHOLE_NUMBERS_UP_TO:  # there are no half conversations
                axis["values"] = list(range(math.ceil(top) + 1))
        case "percent":
            axis["format"] = ".0%"
            scale = {"domain": [max(0, math.floor(lowest * 10 - 1) / 10), 1]}
        case "amount":
            axis["format"] = f",.{next((digits for digits, lowest_top in _MONEY_DIGITS if top >= lowest_top), 4)}f"
    return {"field": "value", "type": "quantitative", "axis": axis, "scale": scale}


def _highest_end(chart: Chart) -> float:
    """Return the value at the top of the highest stacked bar or point."""
    heights: dict[date, float] = {}
    for mark in chart.marks:
        height = heights.get(mark.bucket_date, 0.0)
        heights[mark.bucket_date] = height + mark.value if chart.kind == "bars" else max(height, mark.value)
    return max(heights.values())


def _choose_label_dates(chart: Chart) -> list[date]:
    """Return the buckets with a label, at even distances; from 14 days on, these are Mondays."""
    dates, step = list(chart.bucket_dates), -(-len(chart.bucket_dates) // _MAX_LABELS)
    if chart.bucket_unit == "day" and len(dates) >= 14:
        mondays = [day for day in dates if day.weekday() == 0]
        return mondays[:: -(-len(mondays) // _MAX_LABELS)]
    return dates[::step]
