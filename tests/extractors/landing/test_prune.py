from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey, select_newest_by_day
from extractors.landing.lock import fetch_lock_path
from extractors.landing.prune import PruneResult, list_landed_accounts, prune_account
from extractors.landing.zone import LandingZone
from extractors.windows import Window

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
FIRST = date(2025, 3, 1)
LONG_AGO, LATELY = NOW - timedelta(days=100), NOW - timedelta(days=1)
CUT = NOW - timedelta(days=30)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def build_window(first: int, last: int) -> Window:
    return Window(date(2025, 3, first), date(2025, 3, last) + timedelta(days=1))


def land(
    zone: LandingZone,
    window: Window,
    at: datetime,
    body: bytes = b"{}",
    *,
    account_id: str = "id",
    complete: bool = True,
) -> Batch:
    key = BatchKey("cognigy", "acme", "counter", account_id, "UTC", window)
    with zone.open_log("cognigy", "acme"), zone.open_writer(key) as writer:
        writer.add(Response(Request("GET", "/"), 200, {}, at, body))
        return writer.finish(at, complete=complete)


def prune(zone: LandingZone, needed: Collection[str] = ()) -> PruneResult:
    return prune_account(zone, "cognigy", "acme", needed, CUT, NOW)


def list_remaining(zone: LandingZone) -> list[Batch]:
    return zone.list_batches("cognigy", "acme", "counter")


def test_what_was_replaced_long_ago_is_taken_out(zone: LandingZone) -> None:
    old = land(zone, build_window(1, 3), LONG_AGO, b"old")
    new = land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), b"new")
    result = prune(zone)
    assert result.arrivals == 1
    assert result.bytes > 100
    assert list_remaining(zone) == list_remaining(LandingZone(zone.root)) == [new]
    assert [body for _, body in new.iter_bodies()] == [b"new"]  # although the segment has moved
    with pytest.raises(FileNotFoundError):
        list(old.iter_bodies())
    assert prune(zone) == PruneResult()


def test_the_newest_answer_is_kept_for_ever(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LONG_AGO - timedelta(days=1000))
    assert prune(zone) == PruneResult()


def test_an_arrival_dated_in_the_future_keeps_nothing_for_ever(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LONG_AGO, b"old")
    land(zone, build_window(1, 3), NOW + timedelta(days=3650), b"ahead")
    assert prune(zone).arrivals == 0  # nobody knows when it came
    last = land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), b"new")
    assert prune(zone).arrivals == 2
    assert list_remaining(zone) == [last]


def test_an_arrival_under_a_clock_that_was_behind_does_not_take_out_a_new_one(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LATELY, b"lately")
    land(zone, build_window(1, 3), NOW - timedelta(days=9000), b"behind")
    assert prune(zone).arrivals == 0


def test_what_was_replaced_lately_is_kept_however_old_it_is(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LONG_AGO)
    land(zone, build_window(1, 3), LATELY)
    assert prune(zone).arrivals == 0


def test_one_day_that_nothing_replaced_keeps_the_whole_answer(zone: LandingZone) -> None:
    old = land(zone, build_window(1, 3), LONG_AGO, b"old")
    land(zone, build_window(1, 2), LONG_AGO + timedelta(days=1), b"1")
    assert prune(zone).arrivals == 0
    land(zone, build_window(3, 3), LONG_AGO + timedelta(days=2), b"2")
    assert prune(zone).arrivals == 1
    assert old not in list_remaining(zone)


def test_what_a_loaded_slice_rests_on_is_kept(zone: LandingZone) -> None:
    old = land(zone, build_window(1, 3), LONG_AGO, b"old")
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), b"new")
    assert prune(zone, {old.batch_id}).arrivals == 0
    assert old in list_remaining(zone)


def test_half_an_answer_or_one_of_another_id_replaces_nothing(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LONG_AGO, b"old")
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), b"half", complete=False)
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=2), b"other", account_id="another id")
    assert prune(zone).arrivals == 0
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=3), b"new")
    assert prune(zone).arrivals == 2  # the first, and the half one


def test_a_large_body_stays_while_an_arrival_has_it(zone: LandingZone) -> None:
    body = b"same" * 2**19
    old = land(zone, build_window(1, 3), LONG_AGO, body)
    new = land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), body)
    assert old.path == new.path
    assert prune(zone).arrivals == 1
    assert new.path.exists()
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=2), b"last")
    assert prune(zone).bytes > 0
    assert not new.path.exists()


def test_what_killed_runs_left_goes_too(zone: LandingZone) -> None:
    kept = land(zone, build_window(1, 3), LONG_AGO)
    folder = zone.account_folder("cognigy", "acme")
    (folder / "bodies").mkdir()
    for name in ("000001.jsonl.zst.1-abcd.part", "bodies/2025-03-01_2025-03-04.1-abcd.part"):
        (folder / name).write_bytes(b"12345")
    (folder / "bodies/2025-03-01_2025-03-04.0123456789abcdef.zst").write_bytes(b"1234567")
    assert prune(zone) == PruneResult(arrivals=0, bytes=17)
    assert list_remaining(zone) == [kept]


def test_an_account_that_is_being_fetched_is_left_for_the_next_time(zone: LandingZone) -> None:
    land(zone, build_window(1, 3), LONG_AGO, b"old")
    land(zone, build_window(1, 3), LONG_AGO + timedelta(days=1), b"new")
    with FileLock(fetch_lock_path(zone, "cognigy", "acme")):
        assert prune(zone) == PruneResult(busy_accounts=1)
    assert len(list_remaining(zone)) == 2


def test_accounts_are_found_by_what_was_landed(zone: LandingZone) -> None:
    assert list_landed_accounts(zone) == []
    land(zone, build_window(1, 3), LONG_AGO)
    assert list_landed_accounts(zone) == [("cognigy", "acme")]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 5), st.sampled_from(["id", "other"]), st.booleans()), max_size=12
    )
)
def test_each_day_has_the_answer_that_counted_before(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[int, int, str, bool]]
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    for number, (first, more, account_id, complete) in enumerate(arrivals):
        at = LONG_AGO + timedelta(hours=number)
        land(
            zone,
            build_window(first, first + more),
            at,
            str(number).encode(),
            account_id=account_id,
            complete=complete,
        )

    def counts() -> list[object]:
        month = list(build_window(1, 31).days())
        return [select_newest_by_day(list_remaining(zone), month, owner, "UTC") for owner in ("id", "other")]

    before = counts()
    prune(zone)
    assert counts() == before
