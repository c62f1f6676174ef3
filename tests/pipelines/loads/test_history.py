from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.cognigy.provider import CognigyAccount
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.history import LoadVersion, build_load_versions, list_batch_ids, list_landed_days

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 7), date(2026, 1, 8)]
BOTH = ("conversation_counter", "call_counter")
FIRST, SECOND = BOTH


def account(**settings: Any) -> CognigyAccount:
    told = {"name": "acme", "project_id": "5" * 24, "api_key": "fake", "streams": BOTH, **settings}
    return CognigyAccount.model_validate(told)


class Landing:
    """Lands empty answers, each a minute after the one before."""

    def __init__(self, root: Path) -> None:
        self.zone = LandingZone(root)
        self.at = NOON

    def land(
        self,
        stream: str,
        days: Sequence[date] = DAYS,
        *,
        pulled: tuple[str, ...] = BOTH,
        of: CognigyAccount | None = None,
        run: datetime | None = None,
        **how: Any,
    ) -> Batch:
        whose = of or account()
        window = Window(days[0], days[-1] + timedelta(days=1))
        self.at += timedelta(minutes=1)
        key = BatchKey("cognigy", whose.name, stream, whose.external_id, whose.timezone, window, pulled, run)
        with self.zone.open_writer(key) as writer:
            writer.add(Response(Request("GET", "/"), 200, {}, self.at, b"{}"))
            return writer.finish(how.pop("fetched_at", self.at), **how)

    def told(self, of: CognigyAccount | None = None, days: Sequence[date] = DAYS) -> dict[int, list[list[Batch]]]:
        """Days of the month, and the batches of their rounds."""
        return {day.day: plain(rounds) for day, rounds in build_load_versions(of or account(), self.zone, days).items()}


def plain(rounds: Sequence[LoadVersion]) -> list[list[Batch]]:
    def in_order(batches: Mapping[str, Batch]) -> list[Batch]:
        return sorted(batches.values(), key=lambda batch: batch.fetched_at)

    return [in_order(each) for each in rounds]


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_a_round_is_whole_with_its_last_stream(landing: Landing) -> None:
    one, two = landing.land(FIRST), landing.land(SECOND)
    three = landing.land(SECOND)
    assert landing.told() == {7: [[one, two]], 8: [[one, two]]}
    four = landing.land(FIRST)
    assert landing.told() == {7: [[one, two], [three, four]], 8: [[one, two], [three, four]]}


def test_each_day_has_rounds_of_its_own(landing: Landing) -> None:
    one, two = landing.land(FIRST), landing.land(SECOND, DAYS[1:])
    three = landing.land(SECOND, DAYS[:1])
    four, five = landing.land(FIRST, DAYS[1:]), landing.land(SECOND, DAYS[1:])
    assert landing.told() == {7: [[one, three]], 8: [[one, two], [four, five]]}
    assert landing.told(days=DAYS[:1]) == {7: [[one, three]]}


def test_what_arrived_twice_before_the_round_was_whole_counts_once(landing: Landing) -> None:
    landing.land(FIRST)
    newer = landing.land(FIRST)
    last = landing.land(SECOND)
    assert landing.told()[7] == [[newer, last]]


def test_an_answer_made_before_another_one_counts_as_old_as_that(landing: Landing) -> None:
    newer = landing.land(FIRST)
    landing.land(FIRST, fetched_at=NOON - timedelta(hours=1), landed_at=landing.at + timedelta(minutes=5))
    last = landing.land(SECOND)
    assert landing.told()[7] == [[newer, last]]


def test_half_an_answer_and_another_accounts_do_not_count(landing: Landing) -> None:
    landing.land(FIRST, complete=False)
    landing.land(FIRST, of=account(timezone="Europe/Berlin"))
    landing.land(SECOND)
    assert landing.told() == {}
    assert list_landed_days(account(), landing.zone) == set(DAYS)


def test_what_was_not_understood_is_no_round_unless_it_is_the_newest(landing: Landing) -> None:
    one, two = landing.land(FIRST), landing.land(SECOND)
    bad, kept = landing.land(FIRST), landing.land(SECOND)
    bad.reject()
    assert landing.told()[7] == [[one, two], [bad, kept]]
    again = landing.land(FIRST)  # a run soon after asks for this stream only
    assert landing.told()[7] == [[one, two], [kept, again]]


def test_what_a_run_that_failed_in_part_landed_gives_way_to_the_next_run(landing: Landing) -> None:
    days = [NOON + timedelta(days=number) for number in range(4)]
    landing.land(SECOND, run=days[0])  # FIRST was refused
    landing.at = days[1]
    one, two = landing.land(FIRST, run=days[1]), landing.land(SECOND, run=days[1])
    assert landing.told()[7] == [[one, two]]
    landing.at = days[2]
    landing.land(SECOND, run=days[2])  # refused again: nothing was loaded
    assert landing.told()[7] == [[one, two]]
    landing.at = days[3]
    landing.land(FIRST, run=days[3])  # and now SECOND; what it answered the day before is too old to stand
    assert landing.told()[7] == [[one, two]]


def test_what_is_fresh_stands_in_the_next_run(landing: Landing) -> None:
    over = datetime(2026, 1, 8, 12, tzinfo=UTC)  # the 7th is over, the 8th is not
    landing.at = over
    early = landing.land(FIRST, run=over)
    landing.at = over + timedelta(hours=5)
    late = landing.land(SECOND, run=landing.at)
    assert landing.told() == {7: [[early, late]]}


def test_what_another_run_landed_while_this_one_waited_stands_whatever_its_age(landing: Landing) -> None:
    waiting = landing.at
    one = landing.land(FIRST, run=waiting - timedelta(minutes=1))
    landing.at += timedelta(hours=9)
    assert landing.told() == {}
    two = landing.land(SECOND, run=waiting)
    assert landing.told()[7] == [[one, two]]


def test_a_run_is_one_round_however_its_answers_overlap(landing: Landing) -> None:
    run = landing.at
    landing.land(FIRST, run=run)
    one, two = landing.land(SECOND, run=run), landing.land(FIRST, run=run)
    assert landing.told()[7] == [[one, two]]


def test_rounds_that_lost_an_answer_are_gone_and_the_newest_stays(landing: Landing) -> None:
    runs = [NOON + timedelta(days=number) for number in range(3)]
    rounds = []
    for landing.at in runs:
        run = landing.at
        rounds.append([landing.land(FIRST, run=run), landing.land(SECOND, run=run)])
    for first, _ in rounds[:2]:
        first.manifest_path.unlink()
    assert landing.told()[7] == rounds[2:]


def test_after_an_answer_that_was_not_understood_a_run_that_asks_for_all_is_a_round(landing: Landing) -> None:
    landing.land(FIRST, run=NOON).reject()
    landing.land(SECOND, run=NOON)
    later = landing.at = NOON + timedelta(days=1)
    one, two = landing.land(FIRST, run=later), landing.land(SECOND, run=later)
    assert landing.told()[7] == [[one, two]]


def test_a_round_is_of_the_streams_that_were_pulled_then(landing: Landing) -> None:
    alone = landing.land(FIRST, pulled=(FIRST,))
    one, two = landing.land(FIRST), landing.land(SECOND)
    assert landing.told()[7] == [[alone], [one, two]]
    assert landing.told(account(streams=[SECOND]))[7] == [[alone], [one, two]]


def test_a_manifest_that_does_not_tell_is_of_todays_streams(landing: Landing) -> None:
    one, two = landing.land(FIRST, pulled=()), landing.land(SECOND, pulled=())
    assert landing.told()[7] == [[one, two]]
    assert landing.told(account(streams=[SECOND]))[7] == [[two]]


def test_arrivals_tell_that_something_has_landed(landing: Landing) -> None:
    one = landing.land(FIRST)
    assert list_batch_ids(account(), landing.zone, DAYS) == {one.batch_id}
    assert list_batch_ids(account(), landing.zone, [date(2026, 1, 9)]) == frozenset()
