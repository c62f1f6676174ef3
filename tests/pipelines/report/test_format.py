"""Numbers, days and changes as text."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from extractors.windows import Window
from pipelines.report.changes import MeasureTotals, compare_rates, compare_values
from pipelines.report.format import format_count, format_instant, format_money, format_number, format_window, join_names


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (1234567, "1,234,567"), (Decimal("0.5"), "0"), (Decimal("1.51"), "2")],
)
def test_numbers(value: Decimal | int | None, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0.00"),
        (Decimal("1234.567"), "1,234.57"),
        (Decimal("0.202572"), "0.2026"),
        (Decimal("0.000123"), "0.000123"),
        (Decimal("-0.5"), "-0.5000"),
    ],
)
def test_amounts(value: Decimal | int | None, text: str) -> None:
    assert format_money(value) == text


def test_days_and_moments() -> None:
    assert format_window(Window(date(2025, 3, 1), date(2025, 3, 2))) == "1 Mar 2025"
    assert format_window(Window(date(2025, 3, 1), date(2025, 4, 1))) == "1 Mar – 31 Mar 2025"
    assert format_window(Window(date(2024, 12, 31), date(2025, 1, 2))) == "31 Dec 2024 – 1 Jan 2025"
    berlin = datetime(2025, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert format_instant(berlin) == format_instant(berlin.astimezone(UTC)) == "28 Feb 2025, 23:30 UTC"


def test_lists() -> None:
    assert [join_names("abcdef"[:count], 4) for count in range(6)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and d",
        "a, b, c and 2 more",
    ]
    assert (format_count(1, "day"), format_count(1000, "day")) == ("1 day", "1,000 days")


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (110, 100, "▲ 10.0%"),
        (99, 100, "▼ 1.0%"),
        (0, 100, "▼ 100.0%"),
        (5, 5, "no change"),
        (5, 0, "▲ from 0"),
        (100_001, 100_000, "▲ under 0.1%"),
    ],
)
def test_changes(now: int, before: int, text: str) -> None:
    change = compare_values(now, before)
    assert change is not None
    assert (change.text, change.previous) == (text, f"{before:,}")


def test_a_missing_value_has_no_change() -> None:
    assert compare_values(None, 5) is None
    assert compare_values(5, None) is None


def test_rates_change_by_points() -> None:
    changes = [compare_rates(now, before) for now, before in ((0.95, 0.9), (0.9, 0.95), (0.9, 0.90001), (None, 0.9))]
    assert [change and change.text for change in changes] == ["▲ 5.0 points", "▼ 5.0 points", "no change", None]


def build_totals(*figures: tuple[str, bool, int | None, int]) -> MeasureTotals:
    """Build totals from account, whether it is the current period, number, and number of days that report it."""
    rows = [
        {"account": name, "is_current": is_current, "messages": number, "messages_days": days}
        for name, is_current, number, days in figures
    ]
    return MeasureTotals.from_rows(rows, "messages")


def test_only_the_same_accounts_on_as_many_days_are_compared() -> None:
    totals = build_totals(("a", True, 6, 28), ("a", False, 5, 28), ("b", True, None, 0), ("b", False, None, 0))
    assert (totals.current, totals.previous, totals.accounts) == (6, 5, {"a"})
    assert totals.is_comparable({"a", "b"})
    assert not totals.is_comparable({"b"})
    assert not build_totals(("a", True, 6, 28), ("a", False, 5, 27)).is_comparable({"a"})
    assert not build_totals(("a", True, 6, 28), ("b", True, 5, 28), ("a", False, 5, 28)).is_comparable({"a", "b"})
    assert not build_totals(("a", False, 5, 28)).is_comparable({"a"})
    assert build_totals().current is None
