"""What the published warehouse holds of a provider's days, for what is told of each day in Dagster. No dagster here."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.status import GOOD_STATES, day_states
from warehouse.sql import fill, literal
from warehouse.store import Store

MetadataByDay = Mapping[date, Mapping[str, Any]]
"""By day, what is told of it."""

_DAYS = """
SELECT l.date, count(*) AS accounts, CAST(sum(l.rows) AS BIGINT) AS rows,
    (SELECT CAST(sum(c.conversations) AS BIGINT) FROM conversation_daily AS c
     WHERE c.provider = $provider AND c.date = l.date) AS conversations
FROM load_ledger AS l
WHERE l.provider = $provider AND l.state = 'loaded' AND l.date BETWEEN DATE $first AND DATE $last
GROUP BY l.date
"""


def days_with_rows(store: Store, provider: str, window: Window) -> MetadataByDay:
    """The days of a window of which anything is loaded, as metadata: fact rows, accounts, conversations if told."""
    days = [literal(each.isoformat()) for each in (window.start, window.end - ONE_DAY)]
    rows = store.read(fill(_DAYS, provider=literal(provider), first=days[0], last=days[1])).to_pylist()
    return {
        row["date"]: {
            "dagster/partition_row_count": row["rows"],
            "accounts": row["accounts"],
            **({"conversations": row["conversations"]} if row["conversations"] is not None else {}),
        }
        for row in rows
    }


def complete_days(store: Store, accounts: Sequence[Account], window: Window, now: datetime) -> MetadataByDay:
    """Those days of a window that every one of a provider's accounts has where they have ended.

    An account that has neither a first day nor anything loaded lacks them all.
    """
    end = max(today(account.zone, now) for account in accounts)
    stand = list(day_states(store, accounts, now))
    if any(account.start_date is None and not ranges for account, ranges in stand):
        return {}
    lacking = {
        day for _, ranges in stand for each in ranges if each.state not in GOOD_STATES for day in each.window.days()
    }
    found = days_with_rows(store, accounts[0].provider, window)
    return {day: about for day, about in found.items() if day < end and day not in lacking}
