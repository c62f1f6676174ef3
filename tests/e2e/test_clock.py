"""The machine's clock ahead by a year, behind by a day, and stepping between commands: the newest response counts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extractors.clock import SYSTEM_CLOCK
from extractors.landing import writer
from extractors.landing.zone import LandingZone
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

STORES = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake"}
DAYS = days_from(date(2025, 3, 8), 3)
ACCOUNTS = (
    SandboxAccount("acme-support", "cognigy", "America/New_York", daily_conversations=6),
    SandboxAccount("acme-sales", "chatdash", "Europe/Berlin", daily_conversations=6),
    SandboxAccount("acme-bot", "chatlayer", "UTC", {"team_id": "t1"}, daily_conversations=6),
    SandboxAccount("acme-voice", "chatcaptain", "America/New_York", daily_conversations=6),
    SandboxAccount("acme-docs", "inkeep", "America/New_York", daily_conversations=6),
)
YEAR_AHEAD, DAY_BACK, RIGHT = timedelta(days=366), timedelta(days=-1), timedelta()
STEPS = (  # the clock's error, what the provider restates before, and the command
    (YEAR_AHEAD, "late", "backfill"),
    (DAY_BACK, "smaller", "refetch"),
    (RIGHT, "late", "refetch"),
    (YEAR_AHEAD, "empty", "refetch"),
    (DAY_BACK, None, "replay"),
    (DAY_BACK, "late", "refetch"),
)
SetClock = Callable[[timedelta], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set the error of the clock that the commands of this process read."""

    def set_error(error: timedelta) -> None:
        monkeypatch.setitem(vars(SYSTEM_CLOCK), "now", lambda: datetime.now(UTC) + error)

    return set_error


@pytest.fixture(params=[pytest.param(store, marks=pytest.mark.long) for store in STORES])
def product(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation. Beside the lake, providers send no Date header: nothing but this clock tells the time."""
    if request.param == "parquet":
        monkeypatch.setattr(writer, "parse_date_header", lambda _headers: None)
    with Sandbox(World(11, ACCOUNTS)) as sandbox:
        yield Installation(tmp_path, sandbox, ACCOUNTS, warehouse_url=STORES[request.param])


def run_steps(product: Installation, set_clock: SetClock) -> None:
    """Run the commands of STEPS; after each, all views equal the truth."""
    for error, restatement, command in STEPS:
        set_clock(error)
        if restatement:
            for number, account in enumerate(ACCOUNTS):
                product.sandbox.world.restate(account.name, DAYS[number % len(DAYS)], restatement)
        if command == "replay":
            product.run("replay")
        else:
            product.backfill(DAYS[0], DAYS[-1], *(["--refetch"] if command == "refetch" else []))
        assert product.compare_with_truth(DAYS)[1] == [], (error, command)


def read_log(product: Installation) -> Counter[str]:
    """Return the lines of the restatement log."""
    return Counter(map(str, product.store.read("FROM restatement_log").to_pylist()))


def check_arrivals(product: Installation) -> None:
    """Check that the batches of each stream are listed in the order of their arrival, and that instants were not."""
    zone = LandingZone(product.folder / "data/landing")
    for account in ACCOUNTS:
        for stream in zone.list_streams(account.provider, account.name):
            batches = zone.list_batches(account.provider, account.name, stream)
            numbers, instants = [batch.number for batch in batches], [batch.landed_at for batch in batches]
            assert numbers == sorted(numbers)
            assert instants != sorted(instants)


@pytest.mark.e2e
def test_no_step_of_the_clock_changes_which_response_counts(product: Installation, set_clock: SetClock) -> None:
    run_steps(product, set_clock)
    check_arrivals(product)
    set_clock(RIGHT)
    product.backfill(DAYS[0], DAYS[-1])
    assert product.compare_with_truth(DAYS)[1] == []
    assert {row["state"] for row in product.store.read("FROM load_ledger").to_pylist()} <= {"loaded", "settled"}
    product.run("check")
    for status in json.loads(product.run("status", "--json").out)["accounts"]:
        states = {day["date"]: day["state"] for day in status["days"]}
        assert {states[str(day)] for day in DAYS} <= {"loaded", "settled"}
    logged = read_log(product)
    rebuilt = replace(product, warehouse_url="duckdb://data/rebuilt/warehouse.duckdb")
    rebuilt.run("replay")
    assert rebuilt.compare_with_truth(DAYS)[1] == []
    assert read_log(rebuilt) == logged
    assert len(logged) > len(STEPS)
