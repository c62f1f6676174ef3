"""Sentences about failures, for checks, runs and alerts: accounts, days and reasons. No I/O, no dagster."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from extractors.foreign_text import clean_line
from extractors.windows import Window, group_into_windows

MAX_DETAIL_LINES = 50
"""The most lines of detail in one event: Dagster keeps events for a long time."""

MAX_DETAIL = 2_000
"""The most characters of one line of detail: an account may have failed for several reasons."""

MAX_LISTED_ACCOUNTS = 10
"""The most accounts that a text for people names."""

INTERRUPTED_MESSAGE = "interrupted: run the same command to go on"
"""The error in ``load_run`` of accounts that a stopped run did not finish."""

FailedDays = Mapping[str, Mapping[date, str]]
"""By account and local day, the reason of the failure."""


def format_reasons(failed: FailedDays) -> dict[str, str]:
    """Return one text for each account: each reason once, after the days that it applies to.

    >>> format_reasons({"docs": {date(2025, 6, 1): "HTTP 500", date(2025, 6, 2): "HTTP 500"}})
    {'docs': '2025-06-01 to 2025-06-02: HTTP 500'}
    """
    texts = {}
    for account, days in failed.items():
        days_by_reason: dict[str, list[date]] = {}
        for day, reason in days.items():
            days_by_reason.setdefault(reason, []).append(day)
        texts[account] = "; ".join(f"{format_days(group)}: {reason}" for reason, group in days_by_reason.items())
    return texts


def build_account_metadata(by_account: Mapping[str, str]) -> dict[str, str]:
    """Return Dagster metadata with one entry for each account: its sentence, short and without secrets."""
    entries = {name: clean_line(text, MAX_DETAIL) for name, text in list(by_account.items())[:MAX_DETAIL_LINES]}
    rest = len(by_account) - len(entries)
    return {**entries, **({"and more": f"{rest} accounts"} if rest else {})}


def format_days(days: Iterable[date]) -> str:
    """Return days as a text of at most five ranges, both ends included.

    >>> format_days([date(2025, 6, 1), date(2025, 6, 2), date(2025, 6, 9)])
    '2025-06-01 to 2025-06-02, 2025-06-09'
    """
    windows = group_into_windows(days)
    parts = [str(window.start) if len(window) == 1 else f"{window.start} to {max(window.days())}" for window in windows]
    return ", ".join(parts[:5]) + (" and others" if len(parts) > 5 else "")


def retry_advice(accounts: Sequence[str], days: Collection[date], catch_up_days: int, day: date | None = None) -> str:
    """Return what to do about failed accounts: the next daily loads retry them, or a command does at once.

    ``days`` are the failed local days, ``catch_up_days`` is the reach of a daily load. ``day`` is the day of
    `chatmart load --date`, if it was given.
    """
    # a command without names takes all accounts, and skips their settled days
    named_accounts = accounts if len(accounts) <= MAX_LISTED_ACCOUNTS else ()
    options = "".join(f" --account {account}" for account in named_accounts)
    if day:  # it may be settled, or older than the reach of a daily load
        return f"To retry: chatmart load --date {day}{options}"
    command = f"chatmart backfill --from {min(days)} --to {max(days)}{options}" if days else f"chatmart load{options}"
    return f"Daily loads retry these days for {catch_up_days} days. To load them now: {command}"


def describe_older_days(account: str, older: Collection[Window], catch_up_days: int) -> str:
    """Return the sentence that daily loads do not reach these days, with the command that loads them.

    ``catch_up_days`` is the reach of a daily load in days.
    """
    days = [day for window in older for day in window.days()]
    return (
        f"{account}: {len(days)} older days are missing, failed or stale ({format_days(days)}); a daily load reaches "
        f"back {catch_up_days} days, so: chatmart backfill --account {account} --from {min(days)} --to {max(days)}"
    )


def describe_failed_accounts(failed: Collection[str], account_count: int, still_failing: int = 0) -> str:
    """Return a sentence about a load that failed for some of its ``account_count`` accounts, or for all.

    ``still_failing`` is the number of further accounts whose failure was reported before.
    """
    is_partial = len(failed) + still_failing < account_count
    sentence = build_accounts_sentence(failed, "failed; the other accounts are loaded" if is_partial else "failed")
    if not still_failing:
        return sentence
    others = "1 more account still fails" if still_failing == 1 else f"{still_failing:,} more accounts still fail"
    return f"{sentence} {others}, as reported before."


def build_accounts_sentence(accounts: Iterable[str], predicate: str) -> str:
    """Return a sentence with at most five accounts as its subject; an empty text without accounts.

    >>> build_accounts_sentence(["docs", "sales"], "failed")
    'docs, sales failed.'
    """
    names = list(accounts)
    return (
        f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} {predicate}." if names else ""
    )
