"""Volume checks: days whose totals are far from what the same weekday of the account usually is.

A day is compared with the same weekday of the eight weeks before it: with their median, and with their median absolute
deviation as the measure of distance. Both ignore single outliers, weekends are compared with weekends, and a trend
moves the median along. The check warns; it stops no load and changes no number. Nothing is written or displayed here.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from extractors.account import Account
from extractors.windows import today
from pipelines.configuration.alert_settings import VolumeCheck
from warehouse.errors import NothingPublished
from warehouse.sql import day_literal, fill, identifier_list, literal
from warehouse.store import Store

MEASURES = ("conversations", "messages", "user_messages", "interactions", "unique_users", "tokens")
"""The counts that are checked, where a provider reports them."""

CHECKED_DAYS = 14
"""The newest local days that are checked."""

WEEKS, LEAST_WEEKS = 8, 6
"""The weeks before a day whose same weekday is compared, and how many of them an account must have loaded."""

_DEVIATION_OF_MAD = 1.4826  # the standard deviation of normal numbers, divided by their median absolute deviation
_LEAST_SHARE = 0.1  # numbers that hardly ever vary still may by this share of their median

_UNUSUAL = """
WITH numbers AS (
    UNPIVOT (
        SELECT date, provider, account, $measures FROM conversation_daily
        WHERE account IN ($accounts) AND date >= $since - $reach
    ) ON $measures INTO NAME measure VALUE value
),
compared AS (
    SELECT *, unnest(range(7, $reach + 1, 7)) AS days_before FROM numbers WHERE date >= $since
),
usual AS (
    SELECT
        c.date, c.provider, c.account, c.measure, any_value(c.value) AS value, count(*) AS weeks,
        median(n.value) AS usual, mad(n.value) AS deviation
    FROM compared AS c
    JOIN numbers AS n
        ON n.account = c.account AND n.measure = c.measure AND n.date = c.date - CAST(c.days_before AS INTEGER)
    GROUP BY c.date, c.provider, c.account, c.measure
    HAVING count(*) >= $least_weeks
)
SELECT date, provider, account, measure, CAST(value AS DOUBLE) AS value, CAST(usual AS DOUBLE) AS usual, weeks
FROM usual
WHERE greatest(value, usual) >= $min_count
    -- a count that is usually n varies by the square root of n even if nothing happens
    AND abs(value - usual) > $deviations * greatest($mad_factor * deviation, sqrt(usual), $least_share * usual)
ORDER BY date DESC, provider, account, measure
"""


@dataclass(frozen=True)
class UnusualNumber:
    """A total of an account and local day that is far from ``usual``, the median of the same weekday before it.

    The median is that of ``weeks`` weeks. The fields are columns of the query.
    """

    date: date
    provider: str
    account: str
    measure: str
    value: float
    usual: float
    weeks: int

    @property
    def is_low(self) -> bool:
        """Whether the number is lower than usual."""
        return self.value < self.usual


def read_unusual_numbers(
    store: Store, accounts: Sequence[Account], now: datetime, settings: VolumeCheck
) -> list[UnusualNumber]:
    """Return the unusual totals of the newest ``CHECKED_DAYS`` local days at ``now`` (UTC), newest first.

    None before the first publication. Raises WarehouseErrors of a warehouse that cannot be read.
    """
    if not settings.enabled or not accounts:
        return []
    since = min(today(account.zone, now) for account in accounts) - timedelta(days=CHECKED_DAYS)
    query = fill(
        _UNUSUAL,
        measures=identifier_list(MEASURES),
        accounts=", ".join(literal(account.name) for account in accounts),
        since=day_literal(since),
        reach=str(7 * WEEKS),
        least_weeks=str(LEAST_WEEKS),
        min_count=str(settings.min_count),
        deviations=str(settings.deviations),
        mad_factor=str(_DEVIATION_OF_MAD),
        least_share=str(_LEAST_SHARE),
    )
    with suppress(NothingPublished):
        return [UnusualNumber(**row) for row in store.read(query).to_pylist()]
    return []


def describe_unusual_numbers(numbers: Sequence[UnusualNumber]) -> list[str]:
    """Return a sentence for each account and day with unusual numbers, in the given order.

    >>> numbers = [UnusualNumber(date(2025, 3, 6), "inkeep", "docs", "conversations", 3.0, 48.0, 8)]
    >>> describe_unusual_numbers(numbers)
    ['docs: Thursday 2025-03-06 is unusually low: conversations 3, usually 48.']
    """
    return list(_describe(numbers))


def _describe(numbers: Sequence[UnusualNumber]) -> Iterator[str]:
    for (day, account), group in groupby(numbers, key=lambda number: (number.date, number.account)):
        day_numbers = list(group)
        directions = {"low" if number.is_low else "high" for number in day_numbers}
        direction = f"unusually {directions.pop()}" if len(directions) == 1 else "unusual"
        parts = [f"{number.measure} {number.value:,.0f}, usually {number.usual:,.0f}" for number in day_numbers]
        yield f"{account}: {day:%A} {day} is {direction}: {'; '.join(parts)}."
