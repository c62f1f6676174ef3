"""The account × day matrix: one state per day, in each account's own zone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.warehouse.filled import Fill
from tests.warehouse.sample import ACME, build_chunk_commit, consecutive_days, query_rows
from warehouse.records import AccountRow, SliceFailure
from warehouse.store import Store

START = date(2025, 3, 28)  # Europe/Berlin changes its clocks on the 30th
AT = datetime(2025, 4, 1, tzinfo=UTC)
ACCOUNT = replace(ACME, start_date=START)


def states(store: Store, account: str = "acme", count: int = 4) -> list[object]:
    store.publish()
    sql = f"SELECT state FROM coverage WHERE account = '{account}' ORDER BY date LIMIT {count}"
    return [state for (state,) in query_rows(store, sql)]


def load_two_days(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(2, START), account=ACCOUNT, fetched_at=AT))


def test_all_days_up_to_the_accounts_own_yesterday(store: Store) -> None:
    zones = ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]
    accounts = [AccountRow(f"a{number}", "inkeep", "", zone, START, 3) for number, zone in enumerate(zones)]
    store.set_accounts_and_measures(accounts, [])
    store.publish()

    def yesterdays() -> list[date]:
        return [datetime.now(ZoneInfo(zone)).date() - timedelta(1) for zone in zones]

    before = yesterdays()
    spans = query_rows(store, "SELECT min(date), max(date), count(*) FROM coverage GROUP BY account ORDER BY account")
    assert [last for _, last, _ in spans] in (before, yesterdays())
    assert all(first == START and count == (last - START).days + 1 for first, last, count in spans)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fetched_at", "state"),
    [
        # The day ends at midnight in Berlin; three days later it is summer time: 22:00 UTC.
        (datetime(2025, 3, 31, 22, 0, 0, tzinfo=UTC), "loaded"),
        (datetime(2025, 3, 31, 22, 0, 1, tzinfo=UTC), "settled"),
    ],
)
def test_settled_is_after_the_lookback_in_the_accounts_zone(store: Store, fetched_at: datetime, state: str) -> None:
    store.commit(build_chunk_commit([START], account=ACCOUNT, fetched_at=fetched_at))
    assert states(store)[:2] == [state, "missing"]
    assert [row.state for row in store.ledger()] == [state]


def test_what_is_dated_in_the_future_is_stale_and_not_settled(store: Store) -> None:
    now = datetime.now(UTC)
    store.commit(build_chunk_commit([START], account=ACCOUNT, fetched_at=now + timedelta(days=400)))
    store.commit(build_chunk_commit([START + timedelta(1)], account=ACCOUNT, fetched_at=now + timedelta(minutes=4)))
    assert states(store)[:2] == ["stale", "settled"]


@pytest.mark.parametrize(
    "changed", [{"timezone": "UTC"}, {"external_id": "bot-2"}, {"provider": "inkeep"}], ids=["zone", "id", "provider"]
)
def test_a_changed_identity_makes_slices_stale(copy_filled: Callable[[Fill], Store], changed: dict[str, str]) -> None:
    store = copy_filled(load_two_days)
    moved = replace(ACCOUNT, **changed)  # type: ignore[arg-type]
    store.set_accounts_and_measures([moved], [])
    assert states(store)[:3] == ["stale", "stale", "missing"]
    store.commit(build_chunk_commit([START], account=moved, fetched_at=AT))
    assert states(store)[1] == "stale"
    assert states(store)[0] != "stale"


def test_failures(store: Store) -> None:
    store.commit(build_chunk_commit([START], account=ACCOUNT, fetched_at=AT))
    store.record_failures([SliceFailure(ACCOUNT, tuple(consecutive_days(2, START)), "401: the key is refused", AT)])
    later = AT + timedelta(hours=1)
    store.record_failures([SliceFailure(ACCOUNT, tuple(consecutive_days(2, START)), "503: try again", later)])
    assert states(store)[1:3] == ["failed", "missing"]
    first, second = store.ledger("acme")
    assert first.state in {"loaded", "settled"}
    assert (first.rows, first.error, first.error_at) == (0, "503: try again", later)
    assert (second.state, second.error, second.loaded_at, second.batches) == ("failed", "503: try again", None, ())
    store.commit(build_chunk_commit(consecutive_days(2, START), account=ACCOUNT, fetched_at=START_OF_2026))
    assert states(store)[:2] == ["settled", "settled"]
    assert [row.error for row in store.ledger()] == [None, None]


START_OF_2026 = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_first_load_after_a_failure_is_no_restatement(store: Store) -> None:
    store.record_failures([SliceFailure(ACCOUNT, (START,), "503", AT)])
    assert store.commit(build_chunk_commit([START], account=ACCOUNT)).restatement_count == 0


def test_nothing_failed_writes_nothing(store: Store) -> None:
    store.record_failures([])
    assert not store.location.parent.exists()


def test_a_removed_account_keeps_its_days_and_misses_none(store: Store) -> None:
    store.commit(build_chunk_commit([START], account=ACCOUNT, fetched_at=START_OF_2026))
    store.record_failures([SliceFailure(ACCOUNT, (START + timedelta(1),), "503", AT)])
    store.set_accounts_and_measures([], [])
    assert states(store, count=10_000) == ["settled"]
