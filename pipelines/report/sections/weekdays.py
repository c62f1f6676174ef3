"""The usual week of each provider: its mean number of conversations on each weekday of the period.

The rows are those of the query ``weekdays``; SQL and HTML do not belong here.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from pipelines.report.content import Content
from pipelines.report.format import format_count, format_number, format_percent
from pipelines.report.model import Card, CardLine, Chart, Figure, Mark, Section

MIN_DAYS = 14
"""The least number of days of a period with a usual week."""

REFERENCE_WEEK = [date(2024, 1, 1) + timedelta(days) for days in range(7)]
"""The days that stand for the weekdays in a chart, from Monday."""

_FIRST_WEEKEND_DAY = 6  # of ISO weekdays


def build_weekday_section(content: Content) -> Section:
    """Build a card for each provider that reports conversations on every weekday; none for a short period."""
    is_long = len(content.period.window) >= MIN_DAYS
    cards = [card for provider in content.providers if is_long for card in _build_card(content, provider)]
    lead = (
        "Mean conversations of a day, by weekday: over the days with a number, of each account; the accounts of a "
        "provider are added."
    )
    return Section("weekdays", "Weekdays", "The usual week", lead, cards)


def _build_card(content: Content, provider: str) -> Iterator[Card]:
    means, days = dict[int, float](), dict[int, int]()
    for row in content.list_rows("weekdays", provider):
        means[row["weekday"]] = means.get(row["weekday"], 0) + row["mean"]
        days[row["weekday"]] = max(days.get(row["weekday"], 0), row["days"])
    if len(means) < len(REFERENCE_WEEK):
        return
    names = {weekday: f"{REFERENCE_WEEK[weekday - 1]:%A}" for weekday in means}
    marks = [
        Mark(
            REFERENCE_WEEK[weekday - 1],
            1,
            mean,
            f"{names[weekday]}: {format_number(mean, 1)} conversations, mean of {format_count(days[weekday], 'day')}",
        )
        for weekday, mean in sorted(means.items())
    ]
    lowest, highest = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    total = sum(means.values())
    weekend = sum(mean for weekday, mean in means.items() if weekday >= _FIRST_WEEKEND_DAY)
    alt_text = (
        f"Bars: mean conversations of {provider} by weekday. Lowest {format_number(means[lowest], 1)} "
        f"({names[lowest]}), highest {format_number(means[highest], 1)} ({names[highest]})."
    )
    yield Card(
        provider,
        Figure(names[highest]),
        unit=f"highest: {format_number(means[highest], 1)} a day" if total else "",
        chart=Chart("bars", "weekday", REFERENCE_WEEK, marks, alt_text),
        line_headers=("part of the week", "share"),
        lines=[CardLine("Saturday and Sunday", format_percent(weekend / total))] if total else (),
        sql=content.sql.write("weekdays", provider),
    )
