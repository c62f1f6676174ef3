"""Draw small multiples: one little bar chart for each account, as few paths as possible, since there may be hundreds.

The marks are those of ``charts``: a dot for 0, hatching for no number, hollow bars for a part of the days.
"""

from collections.abc import Callable, Iterator, Sequence
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
    head = Markup('<svg class="small" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>')
    body = Markup("".join(parts))  # noqa: S704 - made of numbers only
    return head.format(WIDTH, HEIGHT, chart.alt_text, chart.alt_text) + body + Markup("</svg>")


def _draw_gaps(chart: Chart, bands: Bands) -> str:
    inset = bands.step * (1 - _BAR_SHARE) / 2
    strokes = [
        draw_hatching(bands.start(gap.first) + inset, bands.start(gap.last) + bands.step - inset, _TOP, _BASE)
        for gap in chart.gaps
    ]
    return f'<g class="gap"><path d="{"".join(strokes)}"/></g>' if strokes else ""


def _draw_marks(marks: Sequence[Mark], bands: Bands, top: float) -> Iterator[str]:
    width = min(bands.step * _BAR_SHARE, _MAX_BAR_WIDTH)

    def draw_bar(mark: Mark) -> str:
        left, height = bands.middle(mark.bucket_date) - width / 2, mark.value / top * (_BASE - _TOP)
        return f"M{left:.1f} {_BASE:.0f}v{-height:.1f}h{width:.1f}v{height:.1f}z"

    def draw_dot(mark: Mark) -> str:
        return f"M{bands.middle(mark.bucket_date) - 1.4:.1f} {_BASE - 2:.0f}a1.4 1.4 0 1 0 2.8 0a1.4 1.4 0 1 0-2.8 0z"

    kinds: Sequence[tuple[str, Callable[[Mark], str], bool]] = (("full", draw_bar, False), ("hollow", draw_bar, True))
    for name, draw, is_partial in kinds:
        outline = "".join(draw(mark) for mark in marks if mark.value and mark.is_partial == is_partial)
        if outline:
            yield f'<path class="{name}" d="{outline}"/>'
    dots = "".join(draw_dot(mark) for mark in marks if not mark.value)
    if dots:
        yield f'<path class="full" d="{dots}"/>'


def _place_label(marks: Sequence[Mark], bands: Bands) -> str:
    """Return the position of the label above the highest bar, within the picture."""
    if not marks:
        return "0"
    highest: date = max(marks, key=lambda mark: mark.value).bucket_date
    return f"{min(max(bands.middle(highest), 14), WIDTH - 14):.0f}"
