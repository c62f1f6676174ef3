"""What failed, in words: by account, the days and the reasons. For checks, runs and alerts. No I/O, no dagster."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from extractors.redaction import redact
from extractors.windows import Window, windows_of_days

SHOWN = 50
"""So many lines of detail at most: an event is kept for long."""

Failed = Mapping[str, Mapping[date, str]]
"""By account and day, the reason."""


def reasons(failed: Failed) -> dict[str, str]:
    """One text for each account: each reason once, with the days it holds for."""
    texts = {}
    for account, days in failed.items():
        by_reason: dict[str, list[date]] = {}
        for day, reason in days.items():
            by_reason.setdefault(reason, []).append(day)
        texts[account] = "; ".join(f"{days_text(each)}: {reason}" for reason, each in by_reason.items())
    return texts


def sentences(by_account: Mapping[str, str]) -> dict[str, str]:
    """Metadata entries, one an account: the sentence, with no secret in it."""
    shown = {name: redact(text) for name, text in list(by_account.items())[:SHOWN]}
    rest = len(by_account) - len(shown)
    return {**shown, **({"and more": f"{rest} accounts"} if rest else {})}


def days_text(days: Iterable[date]) -> str:
    """Days as ranges, both ends included."""
    windows = windows_of_days(days)
    parts = [str(each.start) if len(each) == 1 else f"{each.start} to {max(each.days())}" for each in windows]
    return ", ".join(parts[:5]) + (" and others" if len(parts) > 5 else "")


def left_behind(account: str, older: Collection[Window], catch_up_days: int) -> str:
    """That a daily load will never come to these days, and the command that does."""
    days = [day for window in older for day in window.days()]
    return (
        f"{account}: {len(days)} older days are missing, failed or stale ({days_text(days)}); a daily load reaches "
        f"back {catch_up_days} days, so: chatmart backfill --account {account} --from {min(days)} --to {max(days)}"
    )


def summed_up(failed: Collection[str], all_of_them: int) -> str:
    """A sentence about a load that failed for some of its accounts, or for all."""
    return named(failed, "failed; the other accounts are loaded" if len(failed) < all_of_them else "failed")


def named(accounts: Iterable[str], what: str) -> str:
    """A sentence with the accounts' names; nothing when there are none."""
    names = list(accounts)
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} {what}." if names else ""
