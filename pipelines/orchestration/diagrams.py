"""Small bar charts as Markdown for Dagster's pages: one bar per day, as an SVG image inside the text.

No query and no dagster import belongs here. Dagster shows Markdown of up to 1,000 characters at once and hides longer
texts behind a button, so a chart is one path of short commands.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote

from extractors.windows import Window

MAX_INLINE_CHARACTERS = 1000
CHART_DAYS = 60

_HEIGHT = 40
_STEP = 6
_COLOUR, _GAP_COLOUR = "%234f43dd", "%23d4351c"


def draw_daily_chart(values: Mapping[date, int | Decimal], measure: str) -> str:
    """Return Markdown: a chart of the last 60 days up to the newest, and a caption. Days without a value are red."""
    if not values:
        return f"no {measure} yet"
    newest = max(values)
    window = Window(max(min(values), newest - timedelta(days=CHART_DAYS - 1)), newest + timedelta(days=1))
    most = max((values[day] for day in window.days() if day in values), default=0)
    bars, gaps = "", ""
    for number, day in enumerate(window.days()):
        x = number * _STEP + _STEP // 2
        if day in values:
            bars += f"M{x},{_HEIGHT}V{_bar_top(values[day], most)}"
        else:
            gaps += f"M{x},{_HEIGHT}v-3"
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{len(window) * _STEP}' height='{_HEIGHT}' stroke-width='5'>"
        f"<path stroke='{_COLOUR}' d='{bars}'/>{f'<path stroke={_GAP_COLOUR!r} d={gaps!r}/>' if gaps else ''}</svg>"
    )
    image = f"![{measure} by day](<data:image/svg+xml,{quote(svg, safe=_UNQUOTED)}>)"
    missing = len(window) - sum(day in values for day in window.days())
    gaps_note = f"; red: {missing} days without a value" if missing else ""
    return f"{image}\n\n{measure} by day, {window.start} to {newest}; at most {most:,}{gaps_note}"


_UNQUOTED = "% ='/:,;-"


def _bar_top(value: int | Decimal, most: int | Decimal) -> int:
    """Return a bar's upper end in pixels from the top; any value above zero is at least one pixel high."""
    height = round(_HEIGHT * value / most) if most > 0 else 0
    return _HEIGHT - (max(height, 1) if value > 0 else 0)
