"""What needs somebody: the accounts with a problem, and the next step for each. For `status`, the report, alerts.

Nothing is read or displayed here.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from extractors.foreign_text import clean_line
from extractors.windows import today
from pipelines.loads.failures import describe_older_days, format_days, retry_advice
from pipelines.loads.reach import daily_window, first_reached_day, list_unreached_windows
from pipelines.loads.status import GOOD_STATES, AccountStatus

MAX_ERROR = 500
"""The most characters of an error in a sentence; `chatmart status --json` has more."""

MAX_BANNER_LINES = 10
"""The most problems that a banner names; `chatmart status --json` has all of them."""

LATE_AFTER_DAYS = 2
"""The newest loaded day of an account that is well is yesterday, or before tonight's load the day before."""


@dataclass(frozen=True)
class AccountProblem:
    """A problem that somebody must look after: the names of its ``accounts``, and a sentence with the next step."""

    accounts: tuple[str, ...]
    sentence: str


def find_problems(statuses: Sequence[AccountStatus], now: datetime, catch_up_days: int) -> list[AccountProblem]:
    """Return what needs somebody at ``now`` (UTC), the worst first; an empty list when all is well.

    These are accounts whose last load failed, accounts without a load for two nights, accounts of which nothing is
    loaded, and days that no daily load reaches, as it goes back ``catch_up_days`` days.
    """
    failing = [status for status in statuses if _is_failing(status)]
    others = [status for status in statuses if not _is_failing(status)]
    problems = list(_describe_failures(failing, catch_up_days))
    problems += _describe_late_accounts([status for status in others if _is_late(status, now)])
    empty = [status for status in others if _newest_loaded_day(status) is None and _has_begun(status, now)]
    problems += _describe_empty_accounts(empty)
    for status in statuses:
        if status not in empty:
            problems += _describe_unreached_days(status, now, catch_up_days)
    return problems


def write_banner(statuses: Sequence[AccountStatus], now: datetime, catch_up_days: int) -> list[str]:
    """Return the sentences of a banner: a headline, then a problem each; an empty list when nobody is needed.

    The texts are plain and short, without secrets and control characters. The arguments are those of
    ``find_problems``.
    """
    return write_banner_of(find_problems(statuses, now, catch_up_days))


def write_banner_of(problems: Sequence[AccountProblem]) -> list[str]:
    """Return the sentences of ``write_banner`` for problems that are known."""
    if not problems:
        return []
    names = {account for problem in problems for account in problem.accounts}
    headline = (
        f"{len(names):,} account needs somebody." if len(names) == 1 else f"{len(names):,} accounts need somebody."
    )
    rest = len(problems) - MAX_BANNER_LINES
    more = [f"And {rest:,} more; `chatmart status --json` names all."] if rest > 0 else []
    return [headline, *(problem.sentence for problem in problems[:MAX_BANNER_LINES]), *more]


def _is_failing(status: AccountStatus) -> bool:
    """Whether days have failed, or the last attempt at a loaded day failed after the last load."""
    if status.days_by_state["failed"]:
        return True
    failed_at, loaded_at = status.last_error_at, status.last_loaded_at
    return failed_at is not None and (loaded_at is None or failed_at > loaded_at)


def _has_begun(status: AccountStatus, now: datetime) -> bool:
    start = status.account.start_date
    return start is None or start < today(status.account.zone, now)


def _newest_loaded_day(status: AccountStatus) -> date | None:
    return max((part.last for part in status.ranges if part.state in GOOD_STATES), default=None)


def _is_late(status: AccountStatus, now: datetime) -> bool:
    newest = _newest_loaded_day(status)
    return newest is not None and newest < today(status.account.zone, now) - timedelta(days=LATE_AFTER_DAYS)


def _describe_failures(failing: Sequence[AccountStatus], catch_up_days: int) -> Iterator[AccountProblem]:
    """Yield the failures, those of accounts with the same error and the same failed days as one problem."""
    groups: dict[tuple[str, tuple[date, ...]], list[AccountStatus]] = {}
    for status in failing:
        days = tuple(day for part in status.ranges if part.state == "failed" for day in part.window.days())
        groups.setdefault((_read_error(status), days), []).append(status)
    for (error, days), statuses in groups.items():
        names = [status.account.name for status in statuses]
        instants = [status.last_error_at for status in statuses if status.last_error_at]
        load = f"the load of {max(instants):%Y-%m-%d %H:%M}Z" if instants else "the last load"
        failed = f"{_count_days(len(days))} failed ({format_days(days)}), last in {load}" if days else f"{load} failed"
        advice = retry_advice(names, days, catch_up_days)
        yield AccountProblem(tuple(names), f"{_join_names(names)}: {failed}{f': {error}' if error else ''}. {advice}")


def _read_error(status: AccountStatus) -> str:
    """Return the last error as a short line without the account's name, which other accounts do not share."""
    error = clean_line(status.last_error or "", MAX_ERROR).rstrip(".")
    location, separator, problem = error.partition("): ")
    provider = location.removeprefix(f"{status.account.name} (")
    return f"{provider}: {problem}" if separator and provider != location else error


def _describe_late_accounts(late: Sequence[AccountStatus]) -> Iterator[AccountProblem]:
    """Yield the problem of the accounts that no load has tried for two nights, in groups by their newest day."""
    by_day: dict[date | None, list[str]] = {}
    for status in late:
        by_day.setdefault(_newest_loaded_day(status), []).append(status.account.name)
    for day, names in by_day.items():
        yield AccountProblem(
            tuple(names),
            f"{_join_names(names)}: no day after {day} is loaded, and no load has failed. Start the schedule again "
            "(timer, cron or Dagster); `chatmart load` loads the missed days.",
        )


def _describe_empty_accounts(empty: Sequence[AccountStatus]) -> Iterator[AccountProblem]:
    if empty:
        names = [status.account.name for status in empty]
        ranges = [part for status in empty for part in status.ranges]
        command = "load"
        if ranges:
            first, last = min(part.first for part in ranges), max(part.last for part in ranges)
            command = f"backfill --from {first} --to {last}"
        yield AccountProblem(
            tuple(names),
            f"{_join_names(names)}: nothing is loaded yet. To load: chatmart {command}{_account_options(names)}",
        )


def _describe_unreached_days(status: AccountStatus, now: datetime, catch_up_days: int) -> Iterator[AccountProblem]:
    regular = daily_window(status.account, now)
    if regular is None:
        return
    windows = list_unreached_windows(status.account, status.ranges, first_reached_day(regular, catch_up_days))
    if windows:
        name = status.account.name
        yield AccountProblem((name,), describe_older_days(name, windows, catch_up_days))


def _join_names(names: Collection[str]) -> str:
    return ", ".join(list(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _account_options(names: Sequence[str]) -> str:
    """Return options that choose the accounts; none for many: a command without names takes all accounts."""
    return "".join(f" --account {name}" for name in names) if len(names) <= MAX_BANNER_LINES else ""


def _count_days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
