"""The contents of a report before it is drawn. All texts are plain text, as shown, and not escaped.

Only declarations belong here. Everything with figures is a Card (headline, chart, lines, tables); a Section holds
cards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.report.period import BucketUnit

ChartUnit = BucketUnit | Literal["weekday"]
"""What a bucket of a chart is. Weekdays are the days of a reference week that begins on a Monday."""

ValueFormat = Literal["number", "percent", "amount"]

SLOT_COUNT = 6
"""The number of series colours in a chart. In a chart of several series, slot 0 holds all other series together."""


@dataclass(frozen=True)
class Change:
    """A change against the days before: ``text`` like ▲ 4.2%, and ``previous``, the figure it is compared with."""

    text: str
    previous: str


@dataclass(frozen=True)
class Figure:
    """A number: ``text`` as it is shown, ``exact`` as SQL returned it."""

    text: str
    exact: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """A figure of one provider and the whole period. ``note`` says which part of the accounts reports it.

    ``no_change_reason`` is shown when there is no ``change``. ``is_loaded`` is false when no day is loaded, so that
    nobody knows what the provider reports.
    """

    figure: Figure
    note: str = ""
    change: Change | None = None
    no_change_reason: str = ""
    is_loaded: bool = True


@dataclass(frozen=True)
class KeyFigureRow:
    """The key figures of one provider, in the order of the table's ``headers``."""

    provider: str
    accounts_summary: str
    figures: Sequence[KeyFigure]


@dataclass(frozen=True)
class KeyFigureTable:
    """The key figures by provider (rows) and measure (columns). There is no total over providers."""

    headers: Sequence[str]
    rows: Sequence[KeyFigureRow]
    sql: str = ""


@dataclass(frozen=True)
class Table:
    """The figures behind a chart. The first ``text_columns`` columns are text, the others numbers.

    ``omitted_note`` says how many rows are left out.
    """

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    omitted_note: str = ""


@dataclass(frozen=True)
class Mark:
    """One bar, or one point of a line; ``slot`` is its series.

    ``is_partial`` marks one that covers only a part of its days.
    """

    bucket_date: date
    slot: int
    value: float
    tooltip: str
    is_partial: bool = False


@dataclass(frozen=True)
class Gap:
    """Neighbouring buckets without a number, named by the first and the last; ``tooltip`` says why they have none."""

    first: date
    last: date
    tooltip: str


@dataclass(frozen=True)
class Chart:
    """Stacked bars, or lines, over the first days of buckets. ``alt_text`` is the text for screen readers.

    The marks of a stack are in its order, from the bottom.
    """

    kind: Literal["bars", "lines"]
    bucket_unit: ChartUnit
    bucket_dates: Sequence[date]
    marks: Sequence[Mark]
    alt_text: str
    value_format: ValueFormat = "number"
    gaps: Sequence[Gap] = ()


@dataclass(frozen=True)
class CardLine:
    """One member of a breakdown, or one series of a chart (then with its ``slot``).

    ``bar_fraction`` is the bar's length relative to the longest, 0 to 1. ``extra`` is shown beside the value, ``note``
    below the name.
    """

    name: str
    value: str
    extra: str = ""
    note: str = ""
    bar_fraction: float | None = None
    slot: int | None = None
    change: Change | None = None


@dataclass(frozen=True)
class Panel:
    """One account of small multiples: its figure, and a little chart of one series."""

    account: str
    figure: Figure
    chart: Chart
    change: Change | None = None


@dataclass(frozen=True)
class Card:
    """A block of figures about one subject. ``line_headers`` are the headers of the lines' names, values and extras.

    ``tables`` are folded, ``shown_tables`` are not. ``panels`` are small multiples, ``folded_panels`` those not visible
    at first. ``sql`` is a statement over the views that returns the numbers of the chart, of the panels, or
    else of the lines.
    """

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
    shown_tables: Sequence[Table] = ()
    panels: Sequence[Panel] = ()
    folded_panels: Sequence[Panel] = ()
    sql: str = ""


@dataclass(frozen=True)
class Section:
    """Cards about one topic; ``name`` is the anchor on the page, ``nav_label`` the text of the link to it.

    ``lead`` explains how to read the cards, ``remark`` what they leave out.
    """

    name: str
    nav_label: str
    title: str
    lead: str
    cards: Sequence[Card]
    remark: str = ""


@dataclass(frozen=True)
class StateSpan:
    """Neighbouring buckets of one state: the index of the first, and their count."""

    state: str
    first: int
    count: int


@dataclass(frozen=True)
class AccountTimeline:
    """An account's days in the coverage map: ``spans`` as drawn, and ``alt_text`` for screen readers."""

    account: str
    provider: str
    spans: Sequence[StateSpan]
    loaded_slices: int
    due_slices: int
    alt_text: str


@dataclass(frozen=True)
class CoverageMap:
    """The timelines of the accounts: visible ones, then folded ones. ``ticks`` are the axis: column and label."""

    column_count: int
    ticks: Sequence[tuple[int, str]]
    visible_timelines: Sequence[AccountTimeline]
    folded_timelines: Sequence[AccountTimeline]
    lead: str
    omitted_note: str = ""


@dataclass(frozen=True)
class Report:
    """All contents of the page; ``created_at`` and ``newest_load_at`` are instants in UTC, as text.

    ``attention`` are sentences about what needs somebody, drawn above everything else. ``warnings`` are sentences about
    the report itself.
    """

    title: str
    period: str
    accounts_summary: str
    created_at: str
    newest_load_at: str
    loaded_slices: int
    due_slices: int
    comparison_note: str
    attention: Sequence[str]
    warnings: Sequence[str]
    key_figures: KeyFigureTable
    sections: Sequence[Section]
    coverage: CoverageMap
    punctuality: Section
    data_quality: Section
    meanings: Table | None = None
