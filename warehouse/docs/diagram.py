"""Draws the star as an SVG picture, from its declaration: facts on both sides of their dimensions.

The picture is the same on every machine: it uses whole pixels and no fonts of its own. It has a background of its own,
so that it can be read on a dark page. What must not come in: the text of a document, the writing of a file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from sqlalchemy import Column, Table

from warehouse.docs.relations import DIMENSIONS, FACTS, duckdb_type, grain_columns, joined_dimension, key_column
from warehouse.model.columns import ADDITIVE

FILE_NAME = "star.svg"

# All lengths are pixels.
_ROW, _HEAD, _FOOT, _GAP = 19, 28, 7, 22
_WIDTH, _LANE, _EDGE, _TOP = 278, 13, 28, 66
_INK, _FAINT, _LINE, _PAPER, _FACT = "#1c2433", "#6b7484", "#d5dae3", "#ffffff", "#2b3650"
_COLOURS = ("#1f6fb5", "#b5392f", "#17805c", "#8547a8", "#b06500", "#0b7d8f", "#9c2c6b", "#5f6b1c")
_STYLE = f"""
text {{ font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: {_INK} }}
.title {{ font-size: 20px; font-weight: 600 }}
.note {{ font-size: 12px; fill: {_FAINT} }}
.table {{ font-weight: 600; fill: #ffffff }}
.grain {{ font-weight: 700 }}
.type {{ font-size: 9.5px; fill: {_FAINT}; text-anchor: end }}
.word {{ font-weight: 700; fill: {_INK} }}
.sum {{ font-weight: 700; fill: {_FAINT}; text-anchor: middle }}
""".strip()


@dataclass(frozen=True)
class _Box:
    """A table and the position of its upper left corner."""

    table: Table
    left: int
    top: int

    @property
    def right(self) -> int:
        return self.left + _WIDTH

    def middle(self, column: Column[object]) -> int:
        """Return the y coordinate, in pixels, of the middle of the column's row."""
        return self.top + _HEAD + list(self.table.columns).index(column) * _ROW + _ROW // 2 + 3


def render_star_svg() -> str:
    """Return the whole picture as SVG."""
    left, right = _split_facts()
    height = max(map(_column_height, (left, right, DIMENSIONS)))
    lanes = [_joined_dimensions(left) | _joined_dimensions(DIMENSIONS), _joined_dimensions(right)]
    gutters = [(len(lane) + 1) * _LANE + 2 * _LANE for lane in lanes]
    middle = _EDGE + _WIDTH + gutters[0]
    outer = middle + _WIDTH + gutters[1]
    boxes = _place_tables(DIMENSIONS, middle, height)
    dimensions = {box.table.name: box for box in boxes}
    west_boxes, east_boxes = _place_tables(left, _EDGE, height), _place_tables(right, outer, height)
    width = outer + _WIDTH + _EDGE
    parts = [
        *_draw_joins([*west_boxes, *boxes], dimensions, lanes[0], _EDGE + _WIDTH + 2 * _LANE),
        *_draw_joins(east_boxes, dimensions, lanes[1], middle + _WIDTH + 2 * _LANE),
        *(part for box in (*west_boxes, *boxes, *east_boxes) for part in _draw_table(box)),
        *_draw_legend(_TOP + height + 32),
    ]
    return "\n".join([*_draw_head(width, _TOP + height + 78), *parts, "</svg>", ""])


def _draw_head(width: int, height: int) -> Iterator[str]:
    note = "Any two facts meet through the dimensions they share. Account totals are in fact_conversation_daily only."
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
    yield f'<text class="note" x="{_EDGE}" y="52">{note}</text>'


def _split_facts() -> tuple[Sequence[Table], Sequence[Table]]:
    """Return the facts in their order, cut where the heights of both sides differ least."""
    cut = min(
        range(len(FACTS) + 1), key=lambda index: abs(_column_height(FACTS[:index]) - _column_height(FACTS[index:]))
    )
    return FACTS[:cut], FACTS[cut:]


def _table_height(table: Table) -> int:
    return _HEAD + len(table.columns) * _ROW + _FOOT


def _column_height(tables: Sequence[Table]) -> int:
    return sum(_table_height(table) + _GAP for table in tables) - _GAP


def _place_tables(tables: Sequence[Table], left: int, height: int) -> list[_Box]:
    """Return the tables below one another, spread over the height."""
    spare = (height - _column_height(tables)) // max(len(tables) - 1, 1)
    tops = accumulate((_table_height(table) + _GAP + spare for table in tables), initial=_TOP)
    return [_Box(table, left, top) for table, top in zip(tables, tops, strict=False)]


def _joined_dimensions(tables: Sequence[Table]) -> set[str]:
    return {name for table in tables for column in table.columns if (name := joined_dimension(column))}


def _colour(dimension: str) -> str:
    order = [table.name for table in DIMENSIONS]
    return _COLOURS[order.index(dimension) % len(_COLOURS)]


def _draw_joins(boxes: list[_Box], dimensions: dict[str, _Box], joined: set[str], first: int) -> Iterator[str]:
    """Yield every join of the boxes, along one vertical lane for each dimension. The lanes begin at `first`."""
    for place, name in enumerate(table.name for table in DIMENSIONS if table.name in joined):
        lane, target = first + place * _LANE, dimensions[name]
        at = target.left if lane < target.left else target.right
        goal = target.middle(key_column(target.table))
        paths = [
            _join_path(box.right if box.right < lane else box.left, box.middle(column), lane, goal, at)
            for box in boxes
            for column in box.table.columns
            if joined_dimension(column) == name
        ]
        # Below each line lies a wide line in the colour of the paper, so that one of two crossing lines passes over.
        for stroke, width in ((_PAPER, 5), (_colour(name), 1.5)):
            yield f'<path d="{" ".join(paths)}" fill="none" stroke="{stroke}" stroke-width="{width}"/>'


def _join_path(start: int, y: int, lane: int, goal: int, end: int) -> str:
    """Return a path from a crow's foot at the many side to a bar at the one side."""
    out, into = (1 if lane > start else -1), (1 if end > lane else -1)
    foot = f"M{start} {y - 5}L{start + 9 * out} {y}L{start} {y + 5}M{start} {y}"
    bar = f"M{end - 6 * into} {goal - 5}V{goal + 5}"
    if y == goal:
        return f"{foot}H{end}{bar}"
    bend = min(6, abs(goal - y) // 2)
    down = 1 if goal > y else -1
    turns = f"H{lane - bend * out}Q{lane} {y} {lane} {y + bend * down}V{goal - bend * down}"
    return f"{foot}{turns}Q{lane} {goal} {lane + bend * into} {goal}H{end}{bar}"


def _draw_table(box: _Box) -> Iterator[str]:
    table, tall = box.table, _table_height(box.table)
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
        yield from _draw_column(box, column)


def _draw_column(box: _Box, column: Column[object]) -> Iterator[str]:
    y = box.middle(column)
    bold = ' class="grain"' if column.name in grain_columns(box.table) else ""
    yield from _draw_mark(column, box.left + 14, y)
    yield f'<text{bold} x="{box.left + 26}" y="{y + 4}">{escape(column.name)}</text>'
    kind = duckdb_type(column).replace(" WITH TIME ZONE", "TZ") + ("?" if column.nullable else "")
    yield f'<text class="type" x="{box.right - 10}" y="{y + 4}">{escape(kind)}</text>'


def _draw_mark(column: Column[object], x: int, y: int) -> Iterator[str]:
    """Yield a dot in the colour of the joined dimension, a ring for an own key, or a sum sign.

    The sum sign of a number that must not be added is struck out.
    """
    joined = joined_dimension(column)
    if joined:
        yield f'<circle cx="{x}" cy="{y}" r="4" fill="{_colour(joined)}"/>'
    elif column.table in DIMENSIONS and column is key_column(column.table):
        yield _draw_ring(x, y, _colour(column.table.name))
    elif column.info.get("additivity"):
        yield from _draw_sum(x, y, struck=column.info["additivity"] != ADDITIVE)


def _draw_ring(x: int, y: int, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3.5" fill="none" stroke="{colour}" stroke-width="2"/>'


def _draw_sum(x: int, y: int, *, struck: bool) -> Iterator[str]:
    yield f'<text class="sum" x="{x}" y="{y + 4}">Σ</text>'
    if struck:
        yield f'<path d="M{x - 6} {y + 5}L{x + 6} {y - 5}" stroke="{_COLOURS[1]}" stroke-width="1.5"/>'


def _draw_legend(top: int) -> Iterator[str]:
    """Yield the meaning of the marks, three in a line."""
    colour = _colour(DIMENSIONS[0].name)
    marks: list[tuple[str, Iterable[str], str]] = [
        ("", [f'<circle cx="0" cy="0" r="4" fill="{colour}"/>'], "joins the dimension of that colour"),
        ("", [_draw_ring(0, 0, colour)], "a dimension's own key"),
        ("bold", [], "grain: one row for each"),
        ("", _draw_sum(0, 0, struck=False), "may be added up"),
        ("", _draw_sum(0, 0, struck=True), "never added up, or only as its row says"),
        ("?", [], "may be NULL: not reported, which is not 0"),
    ]
    for place, (word, mark, meaning) in enumerate(marks):
        yield f'<g transform="translate({_EDGE + 14 + place % 3 * 370} {top + place // 3 * 22})">'
        yield from mark
        yield f'<text x="12" y="4" class="note"><tspan class="word">{word}</tspan> {escape(meaning)}</text></g>'
