"""Draw the model's charts as SVG. Calculations and queries do not belong here; scales are in ``scales``.

Colours are CSS variables of the page, so that a chart follows its theme. A mark's tooltip is its SVG title. A number
of 0 is a dot on the base line, a bucket without a number is hatched, and a mark of a part of its days is hollow.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from markupsafe import Markup, escape

from pipelines.report.model import SLOT_COUNT, Chart, Gap, Mark
from pipelines.report.page.scales import Bands, Scale, build_value_scale, choose_label_dates, format_axis_date

WIDTH, HEIGHT = 350, 168
POINT_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
"""The point shape of each series, so that lines can be distinguished without colour."""

_TOP, _BASE, _RIGHT = 7.0, HEIGHT - 25.0, WIDTH - 6.0  # edges of the plot
_MIN_LEFT, _LETTER_WIDTH, _LABEL_GAP = 50.0, 6.3, 8.0  # room for the labels of values
_BAR_SHARE, _MAX_BAR_WIDTH = 0.78, 24.0
_ZERO_RADIUS = 2.3
_HATCH_STEP = 6.0
_LABEL_MARGIN = 16.0  # half of a label of time

_SHAPE_PATHS = {
    "circle": "a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0-7.6 0z",
    "square": "v-3.4h6.8v6.8h-6.8z",
    "triangle-up": "l4.3-7.4 4.3 7.4z",
    "diamond": "l4.6-5 4.6 5-4.6 5z",
    "triangle-down": "l4.3 7.4 4.3-7.4z",
    "cross": "v-1.4h2.8v-2.8h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8z",
}
"""The outline of each shape, from a point at its left."""

_SHAPE_STARTS = {
    "circle": (-3.8, 0.0),
    "square": (-3.4, 0.0),
    "triangle-up": (-4.3, 3.4),
    "diamond": (-4.6, 0.0),
    "triangle-down": (-4.3, -3.4),
    "cross": (-4.2, 0.0),
}


def render_svg(chart: Chart) -> Markup:
    """Return the chart as SVG of its container's width; screen readers get one picture with ``alt_text``."""
    scale = build_value_scale(chart)
    left = max(_MIN_LEFT, max(len(label) for _, label in scale.ticks) * _LETTER_WIDTH + _LABEL_GAP)
    bands = Bands(left, _RIGHT, chart.bucket_dates)
    draw_marks = _draw_bars if chart.kind == "bars" else _draw_lines
    parts = [
        *_draw_axes(chart, scale, bands),
        *_draw_gaps(chart.gaps, bands, _TOP, _BASE),
        *draw_marks(chart, scale, bands),
    ]
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, chart.alt_text)
    return head + Markup("".join(parts)) + Markup("</svg>")  # noqa: S704 - all texts in the parts are escaped


def _draw_axes(chart: Chart, scale: Scale, bands: Bands) -> Iterator[str]:
    yield '<g stroke="var(--line)">'
    for value, _ in scale.ticks:
        y = _number(_height(value, scale))
        yield f'<line x1="{_number(bands.left)}" x2="{_number(bands.right)}" y1="{y}" y2="{y}"/>'
    yield '</g><g fill="var(--soft)" font-size="11" text-anchor="middle">'
    for day in choose_label_dates(chart.bucket_dates, chart.bucket_unit):
        x = min(bands.middle(day), WIDTH - _LABEL_MARGIN)
        yield f'<text x="{_number(x)}" y="{HEIGHT - 7}">{format_axis_date(day, chart.bucket_unit)}</text>'
    yield '</g><g fill="var(--soft)" font-size="11" text-anchor="end">'
    for value, label in scale.ticks:
        yield f'<text x="{_number(bands.left - _LABEL_GAP)}" y="{_number(_height(value, scale) + 3.8)}">{label}</text>'
    yield "</g>"


def draw_hatching(left: float, right: float, top: float, base: float) -> str:
    """Return the path of parallel strokes that fill a rectangle."""
    strokes, offset = [], left + top + _HATCH_STEP / 2
    while offset < right + base:
        x, y = min(right, offset - top), max(top, offset - right)
        length = min(x - left, base - y)
        strokes.append(f"M{_number(x)} {_number(y)}l{_number(-length)} {_number(length)}")
        offset += _HATCH_STEP
    return "".join(strokes)


def _draw_gaps(gaps: Sequence[Gap], bands: Bands, top: float, base: float) -> Iterator[str]:
    for gap in gaps:
        inset = bands.step * (1 - _BAR_SHARE) / 2
        left, right = bands.start(gap.first) + inset, bands.start(gap.last) + bands.step - inset
        # the strokes alone are too thin for a pointer: the frame is filled with nothing that can be seen
        frame = f"M{_number(left)} {_number(top)}H{_number(right)}V{_number(base)}H{_number(left)}z"
        yield (
            f'<g class="gap"><path d="{draw_hatching(left, right, top, base)}"/>'
            f'<path class="frame" d="{frame}"><title>{escape(gap.tooltip)}</title></path></g>'
        )


def _draw_bars(chart: Chart, scale: Scale, bands: Bands) -> Iterator[str]:
    width = min(bands.step * _BAR_SHARE, _MAX_BAR_WIDTH)
    is_stacked = len({mark.slot for mark in chart.marks}) > 1
    stacks: dict[date, list[Mark]] = defaultdict(list)
    for mark in chart.marks:
        stacks[mark.bucket_date].append(mark)
    yield '<g stroke="var(--paper)" stroke-width=".75">' if is_stacked else "<g>"
    for bucket, marks in stacks.items():
        left, low = bands.middle(bucket) - width / 2, 0.0
        visible = [mark for mark in marks if mark.value] or marks[:1]
        for mark in visible:
            top, base = sorted((_height(low, scale), _height(low + mark.value, scale)))
            low += mark.value
            if not mark.value:
                yield _draw_zero(mark, bands.middle(bucket), _height(0, scale))
            elif mark.is_partial:
                yield _draw_hollow_bar(mark, left, width, top, base)
            else:
                rectangle = f"M{_number(left)} {_number(top)}h{_number(width)}V{_number(base)}h{_number(-width)}z"
                yield _path(f'fill="{_colour(mark.slot)}"', rectangle, mark)
    yield "</g>"


def _draw_hollow_bar(mark: Mark, left: float, width: float, top: float, base: float) -> str:
    """Draw the outline inside of the bar's edges, so that it is no larger than a full one."""
    half = min(0.6, width / 4)
    rectangle = (
        f"M{_number(left + half)} {_number(min(top + half, base))}h{_number(width - 2 * half)}"
        f"V{_number(base)}h{_number(2 * half - width)}z"
    )
    return _path(f'fill="var(--paper)" stroke="{_colour(mark.slot)}" stroke-width="1.2"', rectangle, mark)


def _draw_zero(mark: Mark, middle: float, base: float) -> str:
    """Draw a dot on the base line; a hollow one for a part of the days."""
    start = f"M{_number(middle - _ZERO_RADIUS)} {_number(base - _ZERO_RADIUS - 1)}"
    circle = f"{start}a2.3 2.3 0 1 0 4.6 0a2.3 2.3 0 1 0-4.6 0z"
    fill = f'fill="var(--paper)" stroke="{_colour(mark.slot)}"' if mark.is_partial else f'fill="{_colour(mark.slot)}"'
    return _path(fill, circle, mark)


def _draw_lines(chart: Chart, scale: Scale, bands: Bands) -> Iterator[str]:
    """Draw the lines, then their points. A line breaks where a bucket has no value; it is dashed beside a part."""
    series: dict[int, list[Mark]] = defaultdict(list)
    for mark in chart.marks:
        series[mark.slot].append(mark)
    for slot, marks in series.items():
        for is_dashed in (False, True):
            path = "".join(_list_segments(marks, scale, bands, is_dashed=is_dashed))
            if path:
                dashes = ' stroke-dasharray="4 3"' if is_dashed else ""
                yield f'<path fill="none" stroke="{_colour(slot)}" stroke-width="1.75"{dashes} d="{path}"/>'
    for mark in chart.marks:
        x, y = bands.middle(mark.bucket_date), _height(mark.value, scale)
        shape = POINT_SHAPES[(mark.slot - 1) % SLOT_COUNT]
        across, down = _SHAPE_STARTS[shape]
        outline = f"M{_number(x + across)} {_number(y + down)}{_SHAPE_PATHS[shape]}"
        fill = (
            f'fill="var(--paper)" stroke="{_colour(mark.slot)}" stroke-width="1.75"'
            if mark.is_partial
            else f'fill="{_colour(mark.slot)}"'
        )
        yield _path(fill, outline, mark)


def _list_segments(marks: Sequence[Mark], scale: Scale, bands: Bands, *, is_dashed: bool) -> Iterator[str]:
    for before, mark in pairwise(marks):
        is_joined = bands.are_neighbours(before.bucket_date, mark.bucket_date)
        if is_joined and is_dashed == (before.is_partial or mark.is_partial):
            (x1, y1), (x2, y2) = [(bands.middle(end.bucket_date), _height(end.value, scale)) for end in (before, mark)]
            yield f"M{_number(x1)} {_number(y1)}L{_number(x2)} {_number(y2)}"


def _path(look: str, outline: str, mark: Mark) -> str:
    return f'<path {look} d="{outline}"><title>{escape(mark.tooltip)}</title></path>'


def _colour(slot: int) -> str:
    return f"var(--slot-{slot})" if slot else "var(--rest)"


def _height(value: float, scale: Scale) -> float:
    """Return the vertical position of a value, in pixels from the top."""
    return _BASE - scale.fraction(value) * (_BASE - _TOP)


def _number(value: float) -> str:
    """Return a coordinate to 0.1 pixels: finer steps are invisible, and most of the page consists of coordinates."""
    return f"{value:.1f}".removesuffix(".0")
