"""Which days of a provider the published warehouse holds, with the metadata that Dagster shows for each.

Dagster is not imported here: loads outside Dagster read these days too.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.status import GOOD_STATES, day_states
from warehouse.sql import fill, literal
from warehouse.store import Store

MetadataByDay = Mapping[date, Mapping[str, Any]]
"""Metadata of a partition by its local day."""

_DAYS = """
SELECT l.date, count(*) AS accounts, CAST(sum(l.rows) AS BIGINT) AS rows,
    (SELECT CAST(sum(c.conversations) AS BIGINT) FROM conversation_daily AS c
     WHERE c.provider = $provider AND c.date = l.date) AS conversations
FROM load_ledger AS l
WHERE l.provider = $provider AND l.state = 'loaded' AND l.date BETWEEN DATE $first AND DATE $last
GROUP BY l.date
"""


def days_with_rows(store: Store, provider: str, window: Window) -> MetadataByDay:
    """Return the loaded days of a window: number of fact rows, of accounts and, where reported, of conversations."""
    first, last = (literal(day.isoformat()) for day in (window.start, window.end - ONE_DAY))
    rows = store.read(fill(_DAYS, provider=literal(provider), first=first, last=last)).to_pylist()
    return {
        row["date"]: {
            "dagster/partition_row_count": row["rows"],
            "accounts": row["accounts"],
            **({"conversations": row["conversations"]} if row["conversations"] is not None else {}),
        }
        for row in rows
    }


def complete_days(store: Store, accounts: Sequence[Account], window: Window, now: datetime) -> MetadataByDay:
    """Return the days of a window that have ended in every account's zone and that every account has loaded.

    An account without a start date and without a loaded day lacks every day. The accounts are those of one provider;
    the values are as in ``days_with_rows``.
    """
    end = max(today(account.zone, now) for account in accounts)
    states = list(day_states(store, accounts, now))
    if any(account.start_date is None and not ranges for account, ranges in states):
        return {}
    gap_ranges = [part for _, ranges in states for part in ranges if part.state not in GOOD_STATES]
    gaps = {day for gap_range in gap_ranges for day in gap_range.window.days()}
    loaded_days = days_with_rows(store, accounts[0].provider, window)
    return {day: metadata for day, metadata in loaded_days.items() if day < end and day not in gaps}
