"""Numbers, days and changes as they are said."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from extractors.windows import Window
from pipelines.report import format as words
from pipelines.report.changes import Totals, change, points


@pytest.mark.parametrize(
    ("told", "said"),
    [(None, "–"), (0, "0"), (1234567, "1,234,567"), (Decimal("0.5"), "0"), (Decimal("1.51"), "2")],
)
def test_numbers(told: Decimal | int | None, said: str) -> None:
    assert words.number(told) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "–"),
        (0, "0.00"),
        (Decimal("1234.567"), "1,234.57"),
        (Decimal("0.202572"), "0.2026"),
        (Decimal("0.000123"), "0.000123"),
        (Decimal("-0.5"), "-0.5000"),
    ],
)
def test_amounts(told: Decimal | int | None, said: str) -> None:
    assert words.amount(told) == said


def test_days_and_moments() -> None:
    assert words.span(Window(date(2025, 3, 1), date(2025, 3, 2))) == "1 Mar 2025"
    assert words.span(Window(date(2025, 3, 1), date(2025, 4, 1))) == "1 Mar – 31 Mar 2025"
    assert words.span(Window(date(2024, 12, 31), date(2025, 1, 2))) == "31 Dec 2024 – 1 Jan 2025"
    berlin = datetime(2025, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert words.moment(berlin) == words.moment(berlin.astimezone(UTC)) == "28 Feb 2025, 23:30 UTC"


def test_lists() -> None:
    assert [words.listed("abcdef"[:count], 4) for count in range(6)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and d",
        "a, b, c and 2 more",
    ]
    assert (words.plural(1, "day"), words.plural(1000, "day")) == ("1 day", "1,000 days")


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (110, 100, "▲ 10.0%"),
        (99, 100, "▼ 1.0%"),
        (0, 100, "▼ 100.0%"),
        (5, 5, "no change"),
        (5, 0, "▲ from 0"),
        (100_001, 100_000, "▲ under 0.1%"),
    ],
)
def test_changes(now: int, before: int, said: str) -> None:
    told = change(now, before)
    assert told is not None
    assert (told.words, told.before) == (said, f"{before:,}")


def test_what_is_not_told_has_no_change() -> None:
    assert change(None, 5) is None
    assert change(5, None) is None


def test_rates_change_by_points() -> None:
    told = [points(now, before) for now, before in ((0.95, 0.9), (0.9, 0.95), (0.9, 0.90001), (None, 0.9))]
    assert [each and each.words for each in told] == ["▲ 5.0 points", "▼ 5.0 points", "no change", None]


def totals(*told: tuple[str, bool, int | None, int]) -> Totals:
    """Account, whether now, its number and on how many days it tells it."""
    rows = [
        {"account": name, "is_now": is_now, "messages": number, "messages_told": days}
        for name, is_now, number, days in told
    ]
    return Totals.of(rows, "messages")


def test_only_the_same_accounts_on_as_many_days_are_compared() -> None:
    told = totals(("a", True, 6, 28), ("a", False, 5, 28), ("b", True, None, 0), ("b", False, None, 0))
    assert (told.now, told.before, told.accounts) == (6, 5, {"a"})
    assert told.comparable({"a", "b"})
    assert not told.comparable({"b"})
    assert not totals(("a", True, 6, 28), ("a", False, 5, 27)).comparable({"a"})
    assert not totals(("a", True, 6, 28), ("b", True, 5, 28), ("a", False, 5, 28)).comparable({"a", "b"})
    assert not totals(("a", False, 5, 28)).comparable({"a"})
    assert totals().now is None
