"""What stands in a report, before it is drawn: texts are said as they are shown, in plain text and never escaped.

Nothing but declarations. Whatever has figures is a Card: a headline, a chart, lines, tables; a Section gathers them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.report.period import Unit

SLOTS = 6
"""Colours that a chart has for its series; the last series, slot 0 in a chart of several, is all others together."""


@dataclass(frozen=True)
class Change:
    """Against the days before: ``words`` as ▲ 4.2%, ``before`` the figure it is compared with."""

    words: str
    before: str


@dataclass(frozen=True)
class Figure:
    """A number: as it is shown, and ``exact`` as SQL tells it."""

    shown: str
    exact: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the period as a whole. ``note`` says of whom it is; without a change, ``why`` there is none."""

    name: str
    figure: Figure
    note: str = ""
    change: Change | None = None
    why: str = ""


@dataclass(frozen=True)
class Table:
    """The figures behind a chart: the first ``names`` columns are text, the others numbers. ``more`` is what is cut."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    more: str = ""


@dataclass(frozen=True)
class Mark:
    """One bar, or one point of a line. ``slot`` is its series, ``said`` what it shows when pointed at.

    ``part``: it stands for a part of its days only.
    """

    at: date
    slot: int
    value: float
    said: str
    part: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars on each other, or lines, over the starts of buckets. ``says`` is what is there for whoever cannot see it."""

    kind: Literal["bars", "lines"]
    unit: Unit
    at: Sequence[date]
    marks: Sequence[Mark]
    says: str
    form: Literal["number", "percent", "amount"] = "number"


@dataclass(frozen=True)
class Line:
    """One member of a breakdown, or one series of a chart (then with its ``slot``).

    ``bar`` is its length against the longest, 0 to 1. ``extra`` stands beside the value, ``note`` below the name.
    """

    name: str
    value: str
    extra: str = ""
    note: str = ""
    bar: float | None = None
    slot: int | None = None
    change: Change | None = None


@dataclass(frozen=True)
class Card:
    """One thing that is told. ``heads`` are what the lines' names, values and extras are called."""

    title: str
    headline: Figure | None = None
    unit: str = ""
    change: Change | None = None
    why: str = ""
    note: str = ""
    chart: Chart | None = None
    heads: Sequence[str] = ()
    lines: Sequence[Line] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Section:
    """Cards that belong together. ``lead`` says how to read them, ``remark`` what is not there; links say ``short``."""

    name: str
    short: str
    title: str
    lead: str
    cards: Sequence[Card]
    remark: str = ""


@dataclass(frozen=True)
class Run:
    """Neighbouring buckets of one state: where they begin, and how many there are."""

    state: str
    first: int
    count: int


@dataclass(frozen=True)
class Strip:
    """An account's days: ``runs`` as they are drawn, ``said`` in words. ``good`` of ``due`` days are loaded."""

    account: str
    provider: str
    runs: Sequence[Run]
    good: int
    due: int
    said: str


@dataclass(frozen=True)
class Coverage:
    """The strips: first those that are ``open``, the others ``folded``. ``ticks`` are the axis: column and label."""

    columns: int
    ticks: Sequence[tuple[int, str]]
    open: Sequence[Strip]
    folded: Sequence[Strip]
    lead: str
    more: str = ""


@dataclass(frozen=True)
class Report:
    """All of it."""

    period: str
    accounts: str
    made: str
    newest: str
    good: int
    due: int
    compared: str
    warnings: Sequence[str]
    figures: Sequence[KeyFigure]
    sections: Sequence[Section]
    coverage: Coverage
    trust: Section
    meanings: Table | None = None
