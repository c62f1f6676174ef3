"""The short part of the torture, and wrongs that its judge must see. The whole of it is ``make torture``."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation
from tests.torture.command_process import CommandOutcome, prepare_processes
from tests.torture.oracle import Oracle
from tests.torture.plan import DAYS, Command, draw_plan
from tests.torture.run import STORES, run_seed

ACCOUNT = SandboxAccount("support", "cognigy", "Europe/Berlin", start_date=DAYS[0], daily_conversations=2)
BACKFILL = Command(("backfill", "--from", str(DAYS[0]), "--to", str(DAYS[1])), tuple(DAYS[:2]))
STATUS = '{"accounts": [{"account": "support", "days": %s}]}'
QUICK = ("duckdb", 51)
LONG_SEEDS = range(20, 23)


@pytest.fixture(scope="module")
def processes() -> Any:
    return prepare_processes()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Installation]:
    with Sandbox(World(1, (ACCOUNT,))) as sandbox:
        yield Installation(tmp_path, sandbox, (ACCOUNT,))


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("store", "seed"),
    [QUICK, *(pytest.param(store, seed, marks=pytest.mark.long) for store in STORES for seed in LONG_SEEDS)],
)
def test_at_the_end_everything_is_loaded_and_true(processes: Any, store: str, seed: int, tmp_path: Path) -> None:
    report = run_seed(processes, seed, store, tmp_path)
    assert report.wrongs == [], "\n".join(report.story)
    assert report.commands > len(draw_plan(seed).steps) / 2


def test_a_seed_gives_the_same_plan() -> None:
    assert draw_plan(3) == draw_plan(3) != draw_plan(4)


def judge(oracle: Oracle, *, command: Command = BACKFILL, code: int = 0, text: str = "", days: str = "[]") -> list[str]:
    now = datetime(2025, 3, 1, tzinfo=UTC)
    return list(oracle.judge(command, CommandOutcome(code, text, now), CommandOutcome(0, STATUS % days, now)))


def test_the_judge_finds_what_is_missing_old_or_called_loaded(product: Installation) -> None:
    oracle = Oracle(product)
    named = f'[{{"date": "{DAYS[1]}", "state": "loaded"}}]'
    assert judge(oracle, days=named) == [
        f"status calls support {DAYS[1]} loaded, and it has no row",
        f"support {DAYS[0]} is not loaded, though the command succeeded",
        f"support {DAYS[1]} is not loaded, though the command succeeded",
    ]
    product.backfill(DAYS[0], DAYS[1])
    both = f'[{{"date": "{DAYS[0]}", "state": "settled"}}, {{"date": "{DAYS[1]}", "state": "loaded"}}]'
    assert judge(oracle, days=both) == []
    assert judge(oracle, days=named) == [f"status does not name support {DAYS[0]}, which is loaded"]

    product.sandbox.world.restate("support", DAYS[0], "late")
    oracle.note_versions(["support"])
    assert judge(oracle, days=both) == []
    again = replace(BACKFILL, arguments=(*BACKFILL.arguments, "--refetch"))
    assert judge(oracle, command=again, days=both) == [
        f"support {DAYS[0]} is not the newest version, though it was asked again"
    ]


def test_the_judge_allows_views_from_before_and_after_a_restatement(product: Installation) -> None:
    product.backfill(DAYS[0], DAYS[0])
    oracle = Oracle(product)
    [earlier] = oracle.versions["support", DAYS[0]]
    product.sandbox.world.restate("support", DAYS[0], "late")
    oracle.note_versions(["support"])
    [_, later] = oracle.versions["support", DAYS[0]]
    changed = [view for view in earlier if earlier[view] != later[view]]
    mixed = {**earlier, changed[0]: later[changed[0]]}
    torn = {**earlier, changed[0]: Counter()}
    assert list(oracle.judge_slices({("support", DAYS[0]): mixed})) == []
    assert len(list(oracle.judge_slices({("support", DAYS[0]): torn}))) == 1


def test_the_judge_finds_a_slice_that_was_never_true(product: Installation) -> None:
    product.backfill(DAYS[0], DAYS[1])
    product.sandbox.world.seed = 99
    product.sandbox.world._days.clear()
    wrongs = judge(
        Oracle(product),
        days=f'[{{"date": "{DAYS[0]}", "state": "settled"}}, {{"date": "{DAYS[1]}", "state": "loaded"}}]',
    )
    assert [wrong.split(":")[0] for wrong in wrongs] == [
        f"support {day} is no version of the truth" for day in DAYS[:2]
    ]


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [({"code": 70}, "exit code 70"), ({"code": 1, "text": "the program failed (KeyError: 1)"}, "a defect is reported")],
)
def test_the_judge_finds_defects(product: Installation, outcome: dict[str, Any], sentence: str) -> None:
    assert judge(Oracle(product), **outcome) == ([sentence] if outcome["code"] else [])
