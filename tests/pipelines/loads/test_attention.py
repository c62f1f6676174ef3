"""What needs somebody: failures, silence, empty accounts, days that no daily load reaches."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from extractors.cognigy.account import CognigyAccount
from pipelines.loads.attention import MAX_BANNER_LINES, find_problems, write_banner
from pipelines.loads.status import AccountStatus, StateRange

NOW = datetime(2025, 3, 12, 12, tzinfo=UTC)
YESTERDAY = date(2025, 3, 11)


def build_status(name: str, *ranges: tuple[str, int, int], start: date | None = None, **more: Any) -> AccountStatus:
    """Return a status with ranges of days, given as days before yesterday."""
    settings = {"name": name, "project_id": "0" * 24, "api_key": "fake-key", "start_date": start}
    account = CognigyAccount.model_validate(settings)
    parts = (
        StateRange(state, YESTERDAY - timedelta(first), YESTERDAY - timedelta(last)) for state, first, last in ranges
    )
    return AccountStatus(account, tuple(parts), **more)


WELL = build_status("well", ("settled", 20, 3), ("loaded", 2, 0), last_loaded_at=NOW)


def test_nobody_is_needed_when_all_is_loaded_or_was_last_night() -> None:
    before_tonight = build_status("early", ("settled", 20, 1), ("missing", 0, 0), last_loaded_at=NOW)
    later = build_status("later", start=date(2025, 4, 1))
    assert write_banner([WELL, before_tonight, later], NOW, 35) == []


def test_accounts_with_the_same_failure_are_one_problem() -> None:
    failed = {"last_error_at": NOW, "last_loaded_at": NOW - timedelta(days=1)}
    problem = "cognigy.totals): HTTP 401; correct the key"
    first, second = (
        build_status(name, ("failed", 1, 0), last_error=f"{name} ({problem}", **failed) for name in ("acme", "globex")
    )
    refetch = build_status("late", ("loaded", 3, 0), last_error="late (cognigy): HTTP 500", **failed)
    [together, alone] = find_problems([first, WELL, second, refetch], NOW, 35)
    assert together.accounts == ("acme", "globex")
    assert together.sentence == (
        "acme, globex: 2 days failed (2025-03-10 to 2025-03-11), last in the load of 2025-03-12 12:00Z: "
        "cognigy.totals: HTTP 401; correct the key. Daily loads retry these days for 35 days. To load them now: "
        "chatmart backfill --from 2025-03-10 --to 2025-03-11 --account acme --account globex"
    )
    assert alone.sentence.startswith("late: the load of 2025-03-12 12:00Z failed: cognigy: HTTP 500. ")
    assert write_banner([first, second, refetch], NOW, 35)[0] == "3 accounts need somebody."
    assert write_banner([refetch], NOW, 35)[0] == "1 account needs somebody."


def test_an_error_before_the_last_load_needs_nobody() -> None:
    old = {"last_error": "HTTP 500", "last_error_at": NOW - timedelta(days=9), "last_loaded_at": NOW}
    assert find_problems([build_status("acme", ("loaded", 9, 0), **old)], NOW, 35) == []


def test_silence_for_two_nights_needs_somebody() -> None:
    [problem] = find_problems([WELL, build_status("acme", ("settled", 9, 2), ("missing", 1, 0))], NOW, 35)
    assert problem.accounts == ("acme",)
    assert problem.sentence.startswith("acme: no day after 2025-03-09 is loaded, and no load has failed. Start the sch")


def test_an_account_without_a_loaded_day() -> None:
    dated = build_status("acme", ("missing", 9, 0), start=YESTERDAY - timedelta(9))
    [problem] = find_problems([dated, WELL], NOW, 5)
    assert problem.sentence.endswith(
        "nothing is loaded yet. To load: chatmart backfill --from 2025-03-02 --to 2025-03-11 --account acme"
    )
    [problem] = find_problems([build_status("globex")], NOW, 35)
    assert problem.sentence.endswith("nothing is loaded yet. To load: chatmart load --account globex")


def test_days_that_no_daily_load_reaches() -> None:
    status = build_status("acme", ("stale", 60, 50), ("settled", 49, 3), ("missing", 2, 2), ("loaded", 1, 0))
    [problem] = find_problems([status], NOW, 35)
    assert "11 older days are missing, failed or stale" in problem.sentence
    assert "--from 2025-01-10 --to 2025-01-20" in problem.sentence


def test_a_banner_names_a_few_problems_and_counts_the_rest() -> None:
    statuses = [build_status(f"a{number}", ("failed", number, 0), last_error_at=NOW) for number in range(40)]
    banner = write_banner(statuses, NOW, 50)
    assert len(banner) == MAX_BANNER_LINES + 2
    assert (banner[0], banner[-1]) == (
        "40 accounts need somebody.",
        "And 30 more; `chatmart status --json` names all.",
    )
