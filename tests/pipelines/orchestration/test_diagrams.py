from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import unquote
from xml.etree import ElementTree

from pipelines.orchestration.diagrams import CHART_DAYS, MAX_INLINE_CHARACTERS, draw_daily_chart

FIRST = date(2025, 1, 1)


def days(*values: int | None) -> dict[date, int | Decimal]:
    return {FIRST + timedelta(days=number): value for number, value in enumerate(values) if value is not None}


def parse_paths(chart: str) -> list[str]:
    """Return the paths of the chart's image, bars first."""
    image = chart.partition("(<data:image/svg+xml,")[2].partition(">)")[0]
    return [path.attrib["d"] for path in ElementTree.fromstring(unquote(image))]


def test_a_bar_for_each_day_as_high_as_its_share_of_the_highest() -> None:
    chart = draw_daily_chart(days(10, 20, 5), "conversations")
    assert parse_paths(chart) == ["M3,40V20M9,40V0M15,40V30"]
    assert chart.endswith("conversations by day, 2025-01-01 to 2025-01-03; at most 20")


def test_a_day_without_a_value_is_marked_and_counted() -> None:
    chart = draw_daily_chart(days(10, None, 10), "rows")
    assert parse_paths(chart) == ["M3,40V0M15,40V0", "M9,40v-3"]
    assert chart.endswith("; red: 1 days without a value")


def test_a_small_day_can_be_seen_and_an_empty_one_has_no_height() -> None:
    assert parse_paths(draw_daily_chart(days(1, 100_000, 0), "rows")) == ["M3,40V39M9,40V0M15,40V40"]
    assert parse_paths(draw_daily_chart(days(0), "rows")) == ["M3,40V40"]


def test_only_the_last_days_and_short_enough_to_be_shown_at_once() -> None:
    chart = draw_daily_chart(days(*([7, None, 123_456_789] * 200)), "conversations")
    assert len(chart) < MAX_INLINE_CHARACTERS
    assert f"{FIRST + timedelta(days=600 - CHART_DAYS)} to {FIRST + timedelta(days=599)}" in chart


def test_a_chart_without_values_is_a_text() -> None:
    assert draw_daily_chart({}, "rows") == "no rows yet"
