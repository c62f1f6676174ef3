"""The charts of the dashboard: which view each draws, by which columns, and its place. Nothing of Superset's format.

Each keeps provider or account, since every provider counts in its own way. What must not come in: the meaning of a
column, an id.
"""

from dataclasses import dataclass
from typing import Literal

Form = Literal["line", "bar", "table", "pivot"]

RATES = {
    "containment_rate": ("contained", ("conversations",)),
    "understood_rate": ("understood_messages", ("understood_messages", "misunderstood_messages")),
    "cost_per_conversation": ("cost_amount", ("conversations",)),
}
"""Columns that never add up: their metric is the sum of the first column by the sum of the others."""


@dataclass(frozen=True)
class DashboardChart:
    """A chart of one view.

    ``by`` are the columns of its series or rows; ``along`` is the column of its axis, or that of a pivot's columns.
    ``measures`` are columns that add up, or of ``RATES``, or ``count`` for rows. ``where`` is SQL. ``width`` is of 12.
    ``is_stacked``: the series of a bar add up, so never those of several providers.
    """

    title: str
    form: Form
    view: str
    measures: tuple[str, ...]
    by: tuple[str, ...]
    along: str | None = None
    where: str | None = None
    width: int = 6
    is_stacked: bool = False
    format: str = "SMART_NUMBER"


ROWS: tuple[tuple[DashboardChart, ...], ...] = (
    (
        DashboardChart(
            "Conversations by day and provider",
            "line",
            "conversation_daily",
            ("conversations",),
            ("provider",),
            along="date",
            width=8,
        ),
        DashboardChart(
            "Days by state and account",
            "bar",
            "coverage",
            ("count",),
            ("state",),
            along="account",
            width=4,
            is_stacked=True,
        ),
    ),
    (
        DashboardChart(
            "Share that stayed with the bot, by month and account",
            "line",
            "containment_monthly",
            ("containment_rate",),
            ("account",),
            along="month",
            format=".1%",
        ),
        DashboardChart(
            "Share of messages understood, by month and account",
            "line",
            "understood_monthly",
            ("understood_rate",),
            ("account",),
            along="month",
            where="understood_rate IS NOT NULL",
            format=".1%",
        ),
    ),
    (
        DashboardChart(
            "Conversations by month and channel, without tests",
            "pivot",
            "channel_monthly",
            ("conversations",),
            ("provider", "channel"),
            along="month",
            where="NOT is_test",
            format=",d",
        ),
        DashboardChart("Intents", "table", "intent_daily", ("hits",), ("account", "intent"), format=",d"),
    ),
    (
        DashboardChart(
            "Conversations by language and provider",
            "bar",
            "language_daily",
            ("conversations",),
            ("provider",),
            along="language",
        ),
        DashboardChart(
            "Cost of a conversation",
            "table",
            "cost_per_conversation_monthly",
            ("cost_per_conversation", "cost_amount", "conversations"),
            ("month", "account", "cost_currency"),
            format=",.4~f",
        ),
    ),
    (
        DashboardChart(
            "Months of accounts",
            "table",
            "conversation_monthly",
            ("conversations", "messages", "understood_messages", "tokens"),
            ("month", "provider", "account", "days", "days_in_month"),
            width=12,
            format=",d",
        ),
    ),
)
"""The charts of each row of the dashboard."""

FILTERS = {"Provider": "provider", "Account": "account"}
"""Filters of the whole dashboard beside its range of days: by their names, the column."""
FILTER_VIEW = "conversation_daily"
"""The view whose values the filters offer."""
