"""Runs in processes of their own: killed, interrupted, two at once."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.clock import FakeClock
from tests.support.sample_world import BERLIN, SampleWorld, loaded_conversations, true_conversations

FIRST, LAST = date(2025, 7, 1), date(2025, 12, 31)
CHATMART = Path(sys.executable).with_name("chatmart")

SCRIPT = """
import sys
from datetime import date
from pathlib import Path
from pipelines.configuration import config
from pipelines.loads import concurrent_run
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from warehouse.store import Store

concurrent_run.MAX_GROUP_ITEMS = 1  # each month is a commit of its own
commits = 0
original = Store.commit_group
def commit(*arguments):
    global commits
    committed = original(*arguments)
    commits += 1
    if commits == int(sys.argv[2]):
        print("now", flush=True)
        sys.stdin.read()
    return committed
Store.commit_group = commit
workspace = Workspace.open(config.load_config(Path(sys.argv[1])))
days = tuple(date.fromordinal(day) for day in range(date(2025, 7, 1).toordinal(), date(2026, 1, 1).toordinal()))
run_jobs(workspace, [LoadJob(account, days) for account in workspace.config.accounts])
"""


def test_a_killed_run_goes_on_where_it_stopped(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    path = sample_world.configure()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"now\n"
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
    landed = len(sample_world.open_workspace().landing.list_batches("cognigy", BERLIN.name, "conversation_counter"))
    assert landed >= 2
    sample_world.clock = FakeClock(datetime.now(UTC))  # the victim had the real time
    result = sample_world.backfill(FIRST, LAST)
    assert result.is_ok
    assert result.stats.requests == 6 - landed  # the sandbox may hear of the victim's last ones only now
    assert loaded_conversations(sample_world) == true_conversations(sandbox, FIRST, LAST)
    assert not list(sample_world.folder.rglob("*.part"))


@pytest.mark.long
def test_two_processes_load_the_same_account_at_once(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    path = sample_world.configure()
    sandbox.shapes.delay_seconds = 0.05
    command = [CHATMART, "--config", str(path), "backfill", "--from", str(FIRST), "--to", str(LAST)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert len(sample_world.take_requests()) == 6
    assert loaded_conversations(sample_world) == true_conversations(sandbox, FIRST, LAST)
    assert sample_world.read_view("restatement_log") == []


@pytest.mark.long
def test_an_interrupted_run_has_nothing_half_loaded(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    path = sample_world.configure()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"now\n"
        os.kill(running.pid, signal.SIGINT)
        running.communicate(b"")
    months = {day.replace(day=1) for day in loaded_conversations(sample_world)}
    assert len(months) >= 2
    assert loaded_conversations(sample_world) == {
        d: n for d, n in true_conversations(sandbox, FIRST, LAST).items() if d.replace(day=1) in months
    }
