from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.cognigy.account import CognigyAccount
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.history import LoadVersion, build_load_versions, list_batch_ids, list_landed_days
from tests.support.sample_batches import forget_batch

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 7), date(2026, 1, 8)]
BOTH = ("conversation_counter", "call_counter")
FIRST, SECOND = BOTH


def build_account(**settings: Any) -> CognigyAccount:
    values = {"name": "acme", "project_id": "5" * 24, "api_key": "fake", "streams": BOTH, **settings}
    return CognigyAccount.model_validate(values)


class LandedHistory:
    """Lands empty responses, one minute apart."""

    def __init__(self, root: Path) -> None:
        self.zone = LandingZone(root)
        self.at = NOON

    def land(
        self,
        stream: str,
        days: Sequence[date] = DAYS,
        *,
        enabled_streams: tuple[str, ...] = BOTH,
        of: CognigyAccount | None = None,
        run: datetime | None = None,
        **how: Any,
    ) -> Batch:
        account = of or build_account()
        window = Window(days[0], days[-1] + timedelta(days=1))
        self.at += timedelta(minutes=1)
        key = BatchKey(
            "cognigy", account.name, stream, account.external_id, account.timezone, window, enabled_streams, run
        )
        with self.zone.open_writer(key) as writer:
            fetched_at = how.pop("fetched_at", self.at)
            writer.add(Response(Request("GET", "/"), 200, {}, fetched_at, b"{}"))
            return writer.finish(fetched_at, **how)

    def list_versions(
        self, of: CognigyAccount | None = None, days: Sequence[date] = DAYS
    ) -> dict[int, list[list[Batch]]]:
        """Return, by day of the month, the batches of each load version."""
        versions = build_load_versions(of or build_account(), self.zone, days)
        return {day.day: sort_batches(day_versions) for day, day_versions in versions.items()}


def sort_batches(versions: Sequence[LoadVersion]) -> list[list[Batch]]:
    return [sorted(version.values(), key=lambda batch: batch.fetched_at) for version in versions]


@pytest.fixture
def landing(tmp_path: Path) -> LandedHistory:
    return LandedHistory(tmp_path)


def test_a_version_is_complete_with_its_last_stream(landing: LandedHistory) -> None:
    first, second = landing.land(FIRST), landing.land(SECOND)
    third = landing.land(SECOND)
    assert landing.list_versions() == {7: [[first, second]], 8: [[first, second]]}
    fourth = landing.land(FIRST)
    assert landing.list_versions() == {7: [[first, second], [third, fourth]], 8: [[first, second], [third, fourth]]}


def test_each_day_has_its_own_versions(landing: LandedHistory) -> None:
    first, second = landing.land(FIRST), landing.land(SECOND, DAYS[1:])
    third = landing.land(SECOND, DAYS[:1])
    fourth, fifth = landing.land(FIRST, DAYS[1:]), landing.land(SECOND, DAYS[1:])
    assert landing.list_versions() == {7: [[first, third]], 8: [[first, second], [fourth, fifth]]}
    assert landing.list_versions(days=DAYS[:1]) == {7: [[first, third]]}


def test_a_stream_that_is_landed_twice_before_the_version_is_complete_counts_once(landing: LandedHistory) -> None:
    landing.land(FIRST)
    newer = landing.land(FIRST)
    last = landing.land(SECOND)
    assert landing.list_versions()[7] == [[newer, last]]


def test_versions_follow_the_order_of_arrival_whatever_the_clock_said(landing: LandedHistory) -> None:
    ahead, behind = NOON + timedelta(days=400), NOON - timedelta(days=1)
    first = [landing.land(stream, fetched_at=ahead, landed_at=ahead, run=ahead) for stream in BOTH]
    second = [landing.land(stream, fetched_at=NOON, landed_at=NOON, run=NOON) for stream in BOTH]
    third = [landing.land(stream, fetched_at=behind, landed_at=behind, run=behind) for stream in BOTH]
    versions = build_load_versions(build_account(), landing.zone, DAYS)[DAYS[0]]
    assert [[version[stream] for stream in BOTH] for version in versions] == [first, second, third]


def test_a_batch_of_the_future_is_not_the_run_s_own(landing: LandedHistory) -> None:
    ahead = NOON + timedelta(days=400)
    landing.land(FIRST, fetched_at=ahead, landed_at=ahead, run=ahead)
    landing.land(SECOND, fetched_at=NOON, landed_at=NOON, run=NOON)
    assert landing.list_versions() == {}


def test_incomplete_batches_and_those_of_another_zone_do_not_count(landing: LandedHistory) -> None:
    landing.land(FIRST, complete=False)
    landing.land(FIRST, of=build_account(timezone="Europe/Berlin"))
    landing.land(SECOND)
    assert landing.list_versions() == {}
    assert list_landed_days(build_account(), landing.zone) == set(DAYS)


def test_a_version_with_a_rejected_batch_counts_only_as_the_newest(landing: LandedHistory) -> None:
    first, second = landing.land(FIRST), landing.land(SECOND)
    rejected, kept = landing.land(FIRST), landing.land(SECOND)
    rejected.reject()
    assert landing.list_versions()[7] == [[first, second], [rejected, kept]]
    again = landing.land(FIRST)  # a run soon after fetches this stream only
    assert landing.list_versions()[7] == [[first, second], [kept, again]]


def test_batches_of_a_run_that_failed_in_part_are_replaced_by_the_next_run(landing: LandedHistory) -> None:
    days = [NOON + timedelta(days=number) for number in range(4)]
    landing.land(SECOND, run=days[0])  # FIRST was refused
    landing.at = days[1]
    first, second = landing.land(FIRST, run=days[1]), landing.land(SECOND, run=days[1])
    assert landing.list_versions()[7] == [[first, second]]
    landing.at = days[2]
    landing.land(SECOND, run=days[2])  # refused again: nothing was loaded
    assert landing.list_versions()[7] == [[first, second]]
    landing.at = days[3]
    landing.land(FIRST, run=days[3])  # and now SECOND; its batch of the day before is too old to be reused
    assert landing.list_versions()[7] == [[first, second]]


def test_a_fresh_batch_is_reused_by_the_next_run(landing: LandedHistory) -> None:
    over = datetime(2026, 1, 8, 12, tzinfo=UTC)  # the 7th is over, the 8th is not
    landing.at = over
    early = landing.land(FIRST, run=over)
    landing.at = over + timedelta(hours=5)
    late = landing.land(SECOND, run=landing.at)
    assert landing.list_versions() == {7: [[early, late]]}


def test_a_batch_that_another_run_landed_meanwhile_is_used_whatever_its_age(landing: LandedHistory) -> None:
    waiting = landing.at
    first = landing.land(FIRST, run=waiting - timedelta(minutes=1))
    landing.at += timedelta(hours=9)
    assert landing.list_versions() == {}
    second = landing.land(SECOND, run=waiting)
    assert landing.list_versions()[7] == [[first, second]]


def test_a_run_is_one_version_however_its_batches_overlap(landing: LandedHistory) -> None:
    run = landing.at
    landing.land(FIRST, run=run)
    first, second = landing.land(SECOND, run=run), landing.land(FIRST, run=run)
    assert landing.list_versions()[7] == [[first, second]]


def test_versions_that_lost_a_batch_are_gone_and_the_newest_stays(landing: LandedHistory) -> None:
    runs = [NOON + timedelta(days=number) for number in range(3)]
    versions = []
    for landing.at in runs:
        run = landing.at
        versions.append([landing.land(FIRST, run=run), landing.land(SECOND, run=run)])
    for first, _ in versions[:2]:
        forget_batch(landing.zone, first)
    assert landing.list_versions()[7] == versions[2:]


def test_after_a_rejected_batch_a_run_that_fetches_all_streams_is_a_version(landing: LandedHistory) -> None:
    landing.land(FIRST, run=NOON).reject()
    landing.land(SECOND, run=NOON)
    later = landing.at = NOON + timedelta(days=1)
    first, second = landing.land(FIRST, run=later), landing.land(SECOND, run=later)
    assert landing.list_versions()[7] == [[first, second]]


def test_a_version_has_the_streams_that_were_enabled_then(landing: LandedHistory) -> None:
    alone = landing.land(FIRST, enabled_streams=(FIRST,))
    first, second = landing.land(FIRST), landing.land(SECOND)
    assert landing.list_versions()[7] == [[alone], [first, second]]
    assert landing.list_versions(build_account(streams=[SECOND]))[7] == [[alone], [first, second]]


def test_a_manifest_without_streams_has_those_enabled_today(landing: LandedHistory) -> None:
    first, second = landing.land(FIRST, enabled_streams=()), landing.land(SECOND, enabled_streams=())
    assert landing.list_versions()[7] == [[first, second]]
    assert landing.list_versions(build_account(streams=[SECOND]))[7] == [[second]]


def test_batch_ids_show_a_new_batch(landing: LandedHistory) -> None:
    first = landing.land(FIRST)
    assert list_batch_ids(build_account(), landing.zone, DAYS) == {first.batch_id}
    assert list_batch_ids(build_account(), landing.zone, [date(2026, 1, 9)]) == frozenset()
