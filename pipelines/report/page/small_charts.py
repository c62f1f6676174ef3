"""Draw small multiples: one little bar chart for each account, as few paths as possible, since there may be hundreds.

The marks are those of ``charts``: a dot for 0, hatching for no number, hollow bars for a part of the days.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from markupsafe import Markup

from pipelines.report.model import Chart, Mark
from pipelines.report.page.charts import draw_hatching
from pipelines.report.page.scales import Bands, find_highest_end, format_short_number

WIDTH, HEIGHT = 240, 62

_TOP, _BASE = 12.0, HEIGHT - 2.0
_BAR_SHARE, _MAX_BAR_WIDTH = 0.78, 12.0


def render_small_svg(chart: Chart) -> Markup:
    """Return bars of one series with the label of the highest; the tooltip of the picture is ``alt_text``."""
    bands = Bands(0, WIDTH, chart.bucket_dates)
    top = find_highest_end(chart)
    highest = format_short_number(top, chart.value_format) if chart.marks else ""
    parts = [
        f'<line class="base" x1="0" x2="{WIDTH}" y1="{_BASE}" y2="{_BASE}"/>',
        _draw_gaps(chart, bands),
        *_draw_marks(chart.marks, bands, top or 1),
        f'<text x="{_place_label(chart.marks, bands)}" y="9">{highest}</text>',
    ]
    head = Markup('<svg class="small" viewBox="0 0 {} {}" role="img"><title>{}</title>')
    body = Markup("".join(parts))  # noqa: S704 - made of numbers only
    return head.format(WIDTH, HEIGHT, chart.alt_text) + body + Markup("</svg>")


def _draw_gaps(chart: Chart, bands: Bands) -> str:
    inset = bands.step * (1 - _BAR_SHARE) / 2
    strokes = [
        draw_hatching(bands.start(gap.first) + inset, bands.start(gap.last) + bands.step - inset, _TOP, _BASE)
        for gap in chart.gaps
    ]
    return f'<g class="gap"><path d="{"".join(strokes)}"/></g>' if strokes else ""


def _draw_marks(marks: Sequence[Mark], bands: Bands, top: float) -> Iterator[str]:
    width = min(bands.step * _BAR_SHARE, _MAX_BAR_WIDTH)

    bars = "".join(
        f"M{bands.middle(mark.bucket_date):.0f} {_BASE:.0f}v{-_height(mark, top):.0f}"
        for mark in marks
        if mark.value and not mark.is_partial
    )
    if bars:  # thick strokes: they need half of the characters of rectangles
        yield f'<path class="bars" stroke-width="{width:.1f}" d="{bars}"/>'
    hollow = "".join(
        f"M{bands.middle(mark.bucket_date) - width / 2:.1f} {_BASE:.0f}"
        f"v{-_height(mark, top):.0f}h{width:.1f}V{_BASE:.0f}z"
        for mark in marks
        if mark.value and mark.is_partial
    )
    if hollow:
        yield f'<path class="hollow" d="{hollow}"/>'
    dots = "".join(
        f"M{bands.middle(mark.bucket_date) - 1.6:.1f} {_BASE - 2.4:.1f}a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0z"
        for mark in marks
        if not mark.value
    )
    if dots:
        yield f'<path class="full" d="{dots}"/>'


def _height(mark: Mark, top: float) -> float:
    """Return the height of a bar in pixels; the smallest can still be seen."""
    return max(mark.value / top * (_BASE - _TOP), 1)


def _place_label(marks: Sequence[Mark], bands: Bands) -> str:
    """Return the position of the label above the highest bar, within the picture."""
    if not marks:
        return "0"
    highest: date = max(marks, key=lambda mark: mark.value).bucket_date
    return f"{min(max(bands.middle(highest), 14), WIDTH - 14):.0f}"
