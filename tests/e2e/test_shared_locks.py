"""Two machines on one lake in an object store: refused with files for locks, side by side with a database of locks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PASSWORD, start_postgres
from tests.support.sample_world import (
    BERLIN,
    NEW_YORK,
    SampleWorld,
    loaded_conversations,
    open_sandbox,
    true_conversations,
)

FIRST, LAST = date(2025, 11, 1), date(2025, 12, 31)
BACKFILL = ("backfill", "--from", FIRST, "--to", LAST)
CHATMART = Path(sys.executable).with_name("chatmart")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


@pytest.fixture
def machines(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[SampleWorld]:
    """Two folders with a configuration of one lake; each has locks, copies and a landing zone of its own."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    start_object_store()
    address = f"delta+s3://{BUCKET}/{sha256(str(tmp_path).encode()).hexdigest()[:12]}"
    worlds = []
    for name, accounts in (("first", (BERLIN, NEW_YORK)), ("second", (BERLIN, NEW_YORK))):
        (tmp_path / name).mkdir()
        worlds.append(SampleWorld(tmp_path / name, sandbox, accounts, top_level={"warehouse": address}))
    return worlds


def run(capsys: pytest.CaptureFixture[str], machine: SampleWorld, *arguments: object) -> CommandResult:
    return run_chatmart(capsys, "--config", machine.configure(), *arguments)


@pytest.mark.e2e
@pytest.mark.long
def test_a_second_machine_is_refused_until_it_takes_the_lake_over(
    machines: list[SampleWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = machines
    assert run(capsys, first, *BACKFILL).exit_code == 0
    refused = run(capsys, second, *BACKFILL)
    assert refused.exit_code != 0
    assert "Traceback" not in refused.err
    assert " is written under locks of the machine " in refused.err
    assert "run `chatmart check --take-over` here." in " ".join(refused.err.split())
    assert run(capsys, second, "sql", "SELECT count(*) FROM conversation_daily").exit_code == 0, "it reads all the same"
    taken = run(capsys, second, "check", "--take-over")
    assert (taken.exit_code, taken.err) == (0, "")
    assert taken.out.endswith(": is written under the locks of this configuration; other writers are refused\n")
    assert run(capsys, second, *BACKFILL).exit_code == 0
    assert run(capsys, first, *BACKFILL, "--refetch").exit_code != 0
    assert run(capsys, second, "check", "--take-over", "--json").exit_code == 2


@pytest.mark.e2e
@pytest.mark.long
def test_two_machines_with_a_database_of_locks_load_side_by_side(
    machines: list[SampleWorld], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCKS_PASSWORD", PASSWORD)
    locks = start_postgres().url.replace(PASSWORD, "${LOCKS_PASSWORD}")
    for machine in machines:
        machine.top_level["locks"] = locks
    commands = [[CHATMART, "--config", machine.configure(), *map(str, BACKFILL)] for machine in machines]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) for command in commands
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    for account in (BERLIN.name, NEW_YORK.name):
        expected = true_conversations(sandbox, FIRST, LAST, account)
        assert loaded_conversations(machines[0], account) == expected
    assert machines[0].read_view("restatement_log") == []
    checked = run(capsys, machines[0], "check")
    assert "postgres: reached, and its locks have a holder" in checked.out
    assert PASSWORD not in checked.out + "".join(errors)
    del machines[1].top_level["locks"]
    refused = run(capsys, machines[1], *BACKFILL, "--refetch")
    assert refused.exit_code != 0
    assert "is written under locks in the database 127.0.0.1:" in " ".join(refused.err.split())
