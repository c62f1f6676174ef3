"""The days that a daily load reaches, and those that it does not. Nothing is read here: readers need it too."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, merge_windows, today
from pipelines.loads.status import GOOD_STATES, StateRange


def first_reached_day(regular: Window, catch_up_days: int) -> date:
    """Return the first day that a daily load may take: of the look-back, or of the days to catch up."""
    return min(regular.start, regular.end - timedelta(days=catch_up_days))


def daily_window(account: Account, now: datetime, day: date | None = None) -> Window | None:
    """Return the local days of a daily load at ``now`` (UTC): ``day`` (default: yesterday) and its look-back.

    None when all of them are before the account's start date.
    """
    last = day or today(account.zone, now) - ONE_DAY
    first = last - timedelta(days=account.lookback_days)
    if account.start_date is not None:
        first = max(first, account.start_date)
    return Window(first, last + ONE_DAY) if first <= last else None


def list_unreached_windows(account: Account, ranges: Iterable[StateRange], reach: date) -> list[Window]:
    """Return the missing, failed and stale local days before ``reach``, from the account's start date on."""
    start = account.start_date or date.min
    windows = (
        Window(max(state_range.first, start), min(state_range.window.end, reach))
        for state_range in ranges
        if state_range.state not in GOOD_STATES and max(state_range.first, start) < min(state_range.window.end, reach)
    )
    return list(merge_windows(windows))
