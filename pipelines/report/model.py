"""What stands in a report, before it is drawn: texts are said as they are shown, in plain text and never escaped.

Nothing but declarations. Whatever has figures is a Card: a headline, a chart, lines, tables; a Section gathers them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.report.period import BucketUnit

SLOT_COUNT = 6
"""Colours that a chart has for its series; the last series, slot 0 in a chart of several, is all others together."""


@dataclass(frozen=True)
class Change:
    """Against the days before: ``words`` as ▲ 4.2%, ``before`` the figure it is compared with."""

    text: str
    previous: str


@dataclass(frozen=True)
class Figure:
    """A number: as it is shown, and ``exact`` as SQL tells it."""

    text: str
    exact: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the period as a whole. ``note`` says of whom it is; without a change, ``why`` there is none."""

    name: str
    figure: Figure
    note: str = ""
    change: Change | None = None
    no_change_reason: str = ""


@dataclass(frozen=True)
class Table:
    """The figures behind a chart: the first ``names`` columns are text, the others numbers. ``more`` is what is cut."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    omitted_note: str = ""


@dataclass(frozen=True)
class Mark:
    """One bar, or one point of a line. ``slot`` is its series, ``said`` what it shows when pointed at.

    ``part``: it stands for a part of its days only.
    """

    bucket_date: date
    slot: int
    value: float
    tooltip: str
    is_partial: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars on each other, or lines, over the starts of buckets. ``says`` is what is there for whoever cannot see it."""

    kind: Literal["bars", "lines"]
    bucket_unit: BucketUnit
    bucket_dates: Sequence[date]
    marks: Sequence[Mark]
    alt_text: str
    value_format: Literal["number", "percent", "amount"] = "number"


@dataclass(frozen=True)
class CardLine:
    """One member of a breakdown, or one series of a chart (then with its ``slot``).

    ``bar`` is its length against the longest, 0 to 1. ``extra`` stands beside the value, ``note`` below the name.
    """

    name: str
    value: str
    extra: str = ""
    note: str = ""
    bar_fraction: float | None = None
    slot: int | None = None
    change: Change | None = None


@dataclass(frozen=True)
class Card:
    """One thing that is told. ``heads`` are what the lines' names, values and extras are called."""

    title: str
    headline: Figure | None = None
    unit: str = ""
    change: Change | None = None
    no_change_reason: str = ""
    note: str = ""
    chart: Chart | None = None
    line_headers: Sequence[str] = ()
    lines: Sequence[CardLine] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Section:
    """Cards that belong together. ``lead`` says how to read them, ``remark`` what is not there; links say ``short``."""

    name: str
    nav_label: str
    title: str
    lead: str
    cards: Sequence[Card]
    remark: str = ""


@dataclass(frozen=True)
class StateSpan:
    """Neighbouring buckets of one state: where they begin, and how many there are."""

    state: str
    first: int
    count: int


@dataclass(frozen=True)
class AccountTimeline:
    """An account's days: ``runs`` as they are drawn, ``said`` in words. ``good`` of ``due`` days are loaded."""

    account: str
    provider: str
    spans: Sequence[StateSpan]
    loaded_slices: int
    due_slices: int
    alt_text: str


@dataclass(frozen=True)
class CoverageMap:
    """The strips: first those that are ``open``, the others ``folded``. ``ticks`` are the axis: column and label."""

    column_count: int
    ticks: Sequence[tuple[int, str]]
    visible_timelines: Sequence[AccountTimeline]
    folded_timelines: Sequence[AccountTimeline]
    lead: str
    omitted_note: str = ""


@dataclass(frozen=True)
class Report:
    """All of it."""

    period: str
    accounts_summary: str
    created_at: str
    newest_load_at: str
    loaded_slices: int
    due_slices: int
    comparison_note: str
    warnings: Sequence[str]
    key_figures: Sequence[KeyFigure]
    sections: Sequence[Section]
    coverage: CoverageMap
    data_quality: Section
    meanings: Table | None = None
