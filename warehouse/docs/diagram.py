"""The star as a picture: facts on both sides of their dimensions, in SVG. Derived from the declaration alone.

What must not come in: a document's text. The picture is the same on every machine: whole pixels, no fonts of its
own, and a background of its own, so that it reads in dark surroundings too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from sqlalchemy import Column, Table

from warehouse.docs.relations import DIMENSIONS, FACTS, duckdb_type, grain_columns, joined_dimension, key_column
from warehouse.model.columns import ADDITIVE

_ROW, _HEAD, _FOOT, _GAP = 19, 28, 7, 22
_WIDTH, _LANE, _EDGE, _TOP = 278, 13, 28, 66
_INK, _FAINT, _LINE, _PAPER, _FACT = "#1c2433", "#6b7484", "#d5dae3", "#ffffff", "#2b3650"
_COLOURS = ("#1f6fb5", "#b5392f", "#17805c", "#8547a8", "#b06500", "#0b7d8f", "#9c2c6b", "#5f6b1c")
_STYLE = f"""
text {{ font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: {_INK} }}
.title {{ font-size: 20px; font-weight: 600 }}
.said {{ font-size: 12px; fill: {_FAINT} }}
.table {{ font-weight: 600; fill: #ffffff }}
.grain {{ font-weight: 700 }}
.type {{ font-size: 9.5px; fill: {_FAINT}; text-anchor: end }}
.word {{ font-weight: 700; fill: {_INK} }}
.sum {{ font-weight: 700; fill: {_FAINT}; text-anchor: middle }}
""".strip()


@dataclass(frozen=True)
class _Box:
    """A table at its place."""

    table: Table
    left: int
    top: int

    @property
    def right(self) -> int:
        return self.left + _WIDTH

    def middle(self, column: Column[object]) -> int:
        """Height of the middle of the column's row."""
        return self.top + _HEAD + list(self.table.columns).index(column) * _ROW + _ROW // 2 + 3


def render_star_svg() -> str:
    """The whole picture."""
    left, right = _halves()
    height = max(map(_filled, (left, right, DIMENSIONS)))
    lanes = [_joined(left) | _joined(DIMENSIONS), _joined(right)]
    gutters = [(len(lane) + 1) * _LANE + 2 * _LANE for lane in lanes]
    middle = _EDGE + _WIDTH + gutters[0]
    outer = middle + _WIDTH + gutters[1]
    boxes = _column(DIMENSIONS, middle, height)
    dimensions = {box.table.name: box for box in boxes}
    wests, easts = _column(left, _EDGE, height), _column(right, outer, height)
    width = outer + _WIDTH + _EDGE
    parts = [
        *_lines([*wests, *boxes], dimensions, lanes[0], _EDGE + _WIDTH + 2 * _LANE),
        *_lines(easts, dimensions, lanes[1], middle + _WIDTH + 2 * _LANE),
        *(part for box in (*wests, *boxes, *easts) for part in _drawn(box)),
        *_legend(_TOP + height + 32),
    ]
    return "\n".join([*_opening(width, _TOP + height + 78), *parts, "</svg>", ""])


def _opening(width: int, height: int) -> Iterator[str]:
    said = (
        "Any two facts meet through the dimensions they share. Account totals stand in fact_conversation_daily alone."
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title">'
    )
    yield '<title id="title">The facts and dimensions of the star, with their columns and joins</title>'
    yield f"<style>\n{_STYLE}\n</style>"
    yield (
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" fill="{_PAPER}" stroke="{_LINE}"/>'
    )
    yield f'<text class="title" x="{_EDGE}" y="34">{len(FACTS)} facts around {len(DIMENSIONS)} dimensions</text>'
    yield f'<text class="said" x="{_EDGE}" y="52">{said}</text>'


def _halves() -> tuple[Sequence[Table], Sequence[Table]]:
    """The facts in their order, cut where both sides are most alike in height."""
    cut = min(range(len(FACTS) + 1), key=lambda at: abs(_filled(FACTS[:at]) - _filled(FACTS[at:])))
    return FACTS[:cut], FACTS[cut:]


def _tall(table: Table) -> int:
    return _HEAD + len(table.columns) * _ROW + _FOOT


def _filled(tables: Sequence[Table]) -> int:
    return sum(_tall(table) + _GAP for table in tables) - _GAP


def _column(tables: Sequence[Table], left: int, height: int) -> list[_Box]:
    """The tables one under the other, spread over the height."""
    spare = (height - _filled(tables)) // max(len(tables) - 1, 1)
    tops = accumulate((_tall(table) + _GAP + spare for table in tables), initial=_TOP)
    return [_Box(table, left, top) for table, top in zip(tables, tops, strict=False)]


def _joined(tables: Sequence[Table]) -> set[str]:
    return {name for table in tables for column in table.columns if (name := joined_dimension(column))}


def _colour(dimension: str) -> str:
    order = [table.name for table in DIMENSIONS]
    return _COLOURS[order.index(dimension) % len(_COLOURS)]


def _lines(boxes: list[_Box], dimensions: dict[str, _Box], joined: set[str], first: int) -> Iterator[str]:
    """Every join of the boxes, along one upright lane for each dimension; the lanes begin at `first`."""
    for place, name in enumerate(table.name for table in DIMENSIONS if table.name in joined):
        lane, target = first + place * _LANE, dimensions[name]
        at = target.left if lane < target.left else target.right
        goal = target.middle(key_column(target.table))
        paths = [
            _path(box.right if box.right < lane else box.left, box.middle(column), lane, goal, at)
            for box in boxes
            for column in box.table.columns
            if joined_dimension(column) == name
        ]
        # A wide line of the paper's colour below: where lines cross, one is seen to pass over the other.
        for stroke, width in ((_PAPER, 5), (_colour(name), 1.5)):
            yield f'<path d="{" ".join(paths)}" fill="none" stroke="{stroke}" stroke-width="{width}"/>'


def _path(start: int, y: int, lane: int, goal: int, end: int) -> str:
    """From a crow's foot at the many side to a bar at the one side."""
    out, into = (1 if lane > start else -1), (1 if end > lane else -1)
    foot = f"M{start} {y - 5}L{start + 9 * out} {y}L{start} {y + 5}M{start} {y}"
    bar = f"M{end - 6 * into} {goal - 5}V{goal + 5}"
    if y == goal:
        return f"{foot}H{end}{bar}"
    bend = min(6, abs(goal - y) // 2)
    down = 1 if goal > y else -1
    turns = f"H{lane - bend * out}Q{lane} {y} {lane} {y + bend * down}V{goal - bend * down}"
    return f"{foot}{turns}Q{lane} {goal} {lane + bend * into} {goal}H{end}{bar}"


def _drawn(box: _Box) -> Iterator[str]:
    table, tall = box.table, _tall(box.table)
    colour = _FACT if table in FACTS else _colour(table.name)
    place = f'x="{box.left}" y="{box.top}" width="{_WIDTH}"'
    yield f"<g><title>{escape(table.name)}: {escape(str(table.comment))}</title>"
    yield f'<rect {place} height="{tall}" rx="6" fill="{_PAPER}" stroke="{colour}"/>'
    right, base = box.left + _WIDTH, box.top + _HEAD - 4
    yield (
        f'<path d="M{box.left} {base}V{box.top + 6}a6 6 0 0 1 6 -6H{right - 6}a6 6 0 0 1 6 6V{base}Z" '
        f'fill="{colour}" stroke="{colour}"/>'
    )
    yield f'<text class="table" x="{box.left + 10}" y="{box.top + 16}">{escape(table.name)}</text></g>'
    for column in table.columns:
        yield from _row(box, column)


def _row(box: _Box, column: Column[object]) -> Iterator[str]:
    y = box.middle(column)
    bold = ' class="grain"' if column.name in grain_columns(box.table) else ""
    yield from _mark(column, box.left + 14, y)
    yield f'<text{bold} x="{box.left + 26}" y="{y + 4}">{escape(column.name)}</text>'
    kind = duckdb_type(column).replace(" WITH TIME ZONE", "TZ") + ("?" if column.nullable else "")
    yield f'<text class="type" x="{box.right - 10}" y="{y + 4}">{escape(kind)}</text>'


def _mark(column: Column[object], x: int, y: int) -> Iterator[str]:
    """A dot in the dimension's colour, a ring for its own key, a sum sign (struck out where nothing adds up)."""
    joined = joined_dimension(column)
    if joined:
        yield f'<circle cx="{x}" cy="{y}" r="4" fill="{_colour(joined)}"/>'
    elif column.table in DIMENSIONS and column is key_column(column.table):
        yield _ring(x, y, _colour(column.table.name))
    elif column.info.get("additivity"):
        yield from _sum(x, y, struck=column.info["additivity"] != ADDITIVE)


def _ring(x: int, y: int, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3.5" fill="none" stroke="{colour}" stroke-width="2"/>'


def _sum(x: int, y: int, *, struck: bool) -> Iterator[str]:
    yield f'<text class="sum" x="{x}" y="{y + 4}">Σ</text>'
    if struck:
        yield f'<path d="M{x - 6} {y + 5}L{x + 6} {y - 5}" stroke="{_COLOURS[1]}" stroke-width="1.5"/>'


def _legend(top: int) -> Iterator[str]:
    """What the marks say, three to a line."""
    colour = _colour(DIMENSIONS[0].name)
    marks: list[tuple[str, Iterable[str], str]] = [
        ("", [f'<circle cx="0" cy="0" r="4" fill="{colour}"/>'], "joins the dimension of that colour"),
        ("", [_ring(0, 0, colour)], "a dimension's own key"),
        ("bold", [], "what there is one row of"),
        ("", _sum(0, 0, struck=False), "may be added up"),
        ("", _sum(0, 0, struck=True), "never, or only as its row says"),
        ("?", [], "may be NULL: not told, which is not 0"),
    ]
    for place, (word, mark, said) in enumerate(marks):
        yield f'<g transform="translate({_EDGE + 14 + place % 3 * 370} {top + place // 3 * 22})">'
        yield from mark
        yield f'<text x="12" y="4" class="said"><tspan class="word">{word}</tspan> {escape(said)}</text></g>'
