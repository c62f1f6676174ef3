"""What failed, in words: by account, the days and the reasons. For checks, runs and alerts. No I/O, no dagster."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from extractors.redaction import redact
from extractors.windows import Window, group_into_windows

MAX_DETAIL_LINES = 50
"""So many lines of detail at most: an event is kept for long."""

FailedDays = Mapping[str, Mapping[date, str]]
"""By account and day, the reason."""


def format_reasons(failed: FailedDays) -> dict[str, str]:
    """One text for each account: each reason once, with the days it holds for."""
    texts = {}
    for account, days in failed.items():
        by_reason: dict[str, list[date]] = {}
        for day, reason in days.items():
            by_reason.setdefault(reason, []).append(day)
        texts[account] = "; ".join(f"{format_days(each)}: {reason}" for reason, each in by_reason.items())
    return texts


def build_account_metadata(by_account: Mapping[str, str]) -> dict[str, str]:
    """Metadata entries, one an account: the sentence, with no secret in it."""
    shown = {name: redact(text) for name, text in list(by_account.items())[:MAX_DETAIL_LINES]}
    rest = len(by_account) - len(shown)
    return {**shown, **({"and more": f"{rest} accounts"} if rest else {})}


def format_days(days: Iterable[date]) -> str:
    """Days as ranges, both ends included."""
    windows = group_into_windows(days)
    parts = [str(each.start) if len(each) == 1 else f"{each.start} to {max(each.days())}" for each in windows]
    return ", ".join(parts[:5]) + (" and others" if len(parts) > 5 else "")


def describe_older_days(account: str, older: Collection[Window], catch_up_days: int) -> str:
    """That a daily load will never come to these days, and the command that does."""
    days = [day for window in older for day in window.days()]
    return (
        f"{account}: {len(days)} older days are missing, failed or stale ({format_days(days)}); a daily load reaches "
        f"back {catch_up_days} days, so: chatmart backfill --account {account} --from {min(days)} --to {max(days)}"
    )


def describe_failed_accounts(failed: Collection[str], all_of_them: int) -> str:
    """A sentence about a load that failed for some of its accounts, or for all."""
    return build_accounts_sentence(
        failed, "failed; the other accounts are loaded" if len(failed) < all_of_them else "failed"
    )


def build_accounts_sentence(accounts: Iterable[str], what: str) -> str:
    """A sentence with the accounts' names; nothing when there are none."""
    names = list(accounts)
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} {what}." if names else ""
