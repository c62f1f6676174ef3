"""The failures of an account since its last success, from the committed rows of `load_run`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.loads.run_watch import is_news
from tests.warehouse.sample import STORE_KINDS, open_sample_store
from warehouse.ledger_store import FailureStreak
from warehouse.records import RunRow
from warehouse.store import Store

NIGHT = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
GOOD = RunRow(
    *(date(2025, 3, 1), "cognigy", "acme", "run-0", "load", NIGHT, NIGHT + timedelta(minutes=5)),
    *(4, 4, 0, 8, 0, 1000, 40, Decimal(0), None),
)


@pytest.fixture(params=STORE_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_sample_store(tmp_path, request.param)


def build_night(number: int, *, is_good: bool = False, **changes: object) -> RunRow:
    start = NIGHT + timedelta(days=number)
    row = replace(GOOD, run_id=f"run-{number}", date=start.date(), started_at=start, ended_at=start)
    row = row if is_good else replace(row, loaded=0, failed=4, error="HTTP 500")
    return replace(row, **changes)  # type: ignore[arg-type]


def test_failures_count_from_the_last_success(store: Store) -> None:
    assert store.failure_streaks("load", ["acme"], []) == {}
    store.record_run(
        [
            build_night(0),
            build_night(1, is_good=True),
            build_night(2),
            build_night(3),
            build_night(4, ended_at=None),
            build_night(5, command="backfill"),
            build_night(6, account="globex", is_good=True),
        ]
    )
    streak = FailureStreak("acme", NIGHT + timedelta(days=2), NIGHT + timedelta(days=3))
    assert store.failure_streaks("load", ["acme", "globex"], []) == {"acme": streak}
    assert store.failure_streaks("load", ["globex"], []) == {}
    assert store.failure_streaks("load", [], []) == {}
    before = store.failure_streaks("load", ["acme"], ["run-3"])
    assert before["acme"].last == NIGHT + timedelta(days=2), "neither the run itself nor a later one counts"
    assert store.failure_streaks("load", ["acme"], ["run-2", "run-3"]) == {}


def test_a_failure_is_reported_on_the_first_night_and_then_once_a_week() -> None:
    reported = []
    for night in range(16):
        late = timedelta(minutes=7 * (night % 3))  # a schedule starts a little later now and then
        first, last = NIGHT, NIGHT + timedelta(days=night - 1)
        streak = FailureStreak("acme", first, last) if night else None
        if is_news(streak, NIGHT + timedelta(days=night) + late, reminder_days=7):
            reported.append(night)
    assert reported == [0, 7, 14]
    assert all(is_news(FailureStreak("a", NIGHT, NIGHT), NIGHT + timedelta(days=night), 1) for night in range(1, 5))
