"""Scales of the charts: ticks, their labels, and the positions of buckets. No SVG and no queries belong here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pipelines.report.format import format_bucket_short
from pipelines.report.model import Chart, ChartUnit, ValueFormat

_TICK_COUNT = 4  # about so many steps on the scale of values
_MAX_LABELS = 5  # on the axis of time
_WHOLE_NUMBERS_UP_TO, _ABBREVIATED_FROM = 4, 10_000  # highest values at which an axis changes its labels
_MONEY_DIGITS = ((0, 4), (2, 0.1), (3, 0.01))  # digits that keep the labels distinct, from which highest value on
_THOUSAND = 1000
_SI_PREFIXES = ((10**18, "E"), (10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (_THOUSAND, "k"))
_STEPS = ((math.sqrt(50), 10), (math.sqrt(10), 5), (math.sqrt(2), 2))  # the next larger step of 1, 2, 5 and 10


@dataclass(frozen=True)
class Scale:
    """A scale of values from ``low`` to ``high``, which differ, with its labelled ticks from low to high."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def fraction(self, value: float) -> float:
        """Return how far a value is up the scale, 0 to 1."""
        return min(max((value - self.low) / (self.high - self.low), 0), 1)


@dataclass(frozen=True)
class Bands:
    """The columns of the buckets between two positions, in pixels, with half a gap at both ends."""

    left: float
    right: float
    dates: Sequence[date]

    @cached_property
    def step(self) -> float:
        """The distance from one bucket to the next, in pixels."""
        return (self.right - self.left) / len(self.dates)

    @cached_property
    def _places(self) -> Mapping[date, int]:
        return {bucket: place for place, bucket in enumerate(self.dates)}

    def start(self, bucket: date) -> float:
        """Return the left edge of a bucket's column, in pixels."""
        return self.left + self._places[bucket] * self.step

    def middle(self, bucket: date) -> float:
        """Return the middle of a bucket's column, in pixels."""
        return self.start(bucket) + self.step / 2

    def are_neighbours(self, first: date, second: date) -> bool:
        """Return whether no bucket lies between the two."""
        return self._places[second] - self._places[first] == 1


def build_value_scale(chart: Chart) -> Scale:
    """Start counts and money at 0, and shares at the 10% step below the lowest, so that lines stay distinguishable."""
    top = find_highest_end(chart)
    match chart.value_format:
        case "percent":
            lowest = min((mark.value for mark in chart.marks), default=0)
            low = max(0, math.floor(lowest * 10 - 1) / 10)
            return Scale(low, 1, [(value, f"{value:.0%}") for value in _list_ticks(low, 1)])
        case "amount":
            low, high = min((mark.value for mark in chart.marks if mark.value < 0), default=0), top or 1  # credit notes
            if top >= _ABBREVIATED_FROM:
                return Scale(low, high, [(value, _format_count_label(value, top)) for value in _list_ticks(low, high)])
            digits = next((digits for digits, lowest_top in _MONEY_DIGITS if top >= lowest_top), 4)
            return Scale(low, high, [(value, f"{value:,.{digits}f}") for value in _list_ticks(low, high)])
        case "number":
            if top <= _WHOLE_NUMBERS_UP_TO:  # there are no half conversations
                whole = range(max(math.ceil(top), 1) + 1)
                return Scale(0, whole[-1], [(value, str(value)) for value in whole])
            return Scale(0, top, [(value, _format_count_label(value, top)) for value in _list_ticks(0, top)])


def find_highest_end(chart: Chart) -> float:
    """Return the value at the top of the highest stacked bar or point, in the unit of the chart; 0 without marks."""
    heights: dict[date, float] = {}
    for mark in chart.marks:
        height = heights.get(mark.bucket_date, 0.0)
        heights[mark.bucket_date] = height + mark.value if chart.kind == "bars" else max(height, mark.value)
    return max(heights.values(), default=0.0)


def choose_label_dates(dates: Sequence[date], unit: ChartUnit) -> Sequence[date]:
    """Return the buckets with a label, at even distances; from 14 days on, these are Mondays. Weekdays have all."""
    if unit == "weekday":
        return dates
    if unit == "day" and len(dates) >= 14:
        mondays = [day for day in dates if day.weekday() == 0]
        return mondays[:: -(-len(mondays) // _MAX_LABELS)]
    return dates[:: -(-len(dates) // _MAX_LABELS)]


def format_axis_date(day: date, unit: ChartUnit) -> str:
    """Return the label of a bucket on the axis of time.

    >>> format_axis_date(date(2025, 3, 3), "week"), format_axis_date(date(2025, 3, 1), "month")
    ('3 Mar', 'Mar ’25')
    """
    match unit:
        case "weekday":
            return f"{day:%a}"
        case "day" | "week":
            return format_bucket_short(day, "day")
        case "month":
            return f"{day:%b ’%y}"
        case "quarter":
            return f"Q{(day.month + 2) // 3} ’{day:%y}"
        case "year":
            return f"{day.year}"


def format_short_number(value: float, value_format: ValueFormat = "number") -> str:
    """Return a number in few characters.

    >>> format_short_number(9500), format_short_number(1_250_000), format_short_number(12500)
    ('9,500', '1.25M', '12.5k')
    """
    if value_format == "percent":
        return f"{value:.0%}"
    if value < 0:
        return f"-{format_short_number(-value)}"
    if value < _ABBREVIATED_FROM:
        return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:.2g}"
    size, prefix = next(entry for entry in _SI_PREFIXES if value >= entry[0])
    return f"{value / size:.3g}{prefix}"


def _format_count_label(value: float, top: float) -> str:
    """Return a label; where the highest are abbreviated, the lower ones of thousands are too."""
    is_abbreviated = top >= _ABBREVIATED_FROM and _THOUSAND <= value < _ABBREVIATED_FROM
    return f"{value / _THOUSAND:.3g}k" if is_abbreviated else format_short_number(value)


def _list_ticks(low: float, high: float) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten between two values: about four steps."""
    rough = (high - low) / _TICK_COUNT
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next((factor for least, factor in _STEPS if rough / power >= least), 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
