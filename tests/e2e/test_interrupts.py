"""SIGINT, SIGTERM and SIGKILL during a real back-fill in a real process."""

import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import RequestRecord
from sandbox.server import Sandbox
from tests.support.command import run_as_if_alone
from tests.support.installation import CHATMART, Installation, days_from
from tests.support.wait_until import wait_until

SUPPORT = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-support")
FIRST, LAST = date(2025, 7, 1), date(2025, 12, 31)
MONTHS = 6
DAYS = days_from(FIRST, 184)
CONCURRENT_REQUESTS = 4
BACKFILL = ("backfill", "--from", str(FIRST), "--to", str(LAST))

HOLDING_PROGRAM = """
import sys
from pipelines.cli.main import main
from pipelines.loads import concurrent_run
from warehouse.store import Store

concurrent_run.MAX_GROUP_ITEMS = 1  # each month is a commit of its own
commits = 0
original = Store.commit_group
def commit(*arguments):
    global commits
    commits += 1
    if commits == 3:
        print("now", flush=True)
        sys.stdin.read()
    return original(*arguments)
Store.commit_group = commit
main(sys.argv[1:])
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def installation(sandbox: Sandbox, tmp_path: Path) -> Installation:
    return Installation(tmp_path, sandbox, SUPPORT)


def start_command(installation: Installation, *arguments: str) -> subprocess.Popen[str]:
    command = [CHATMART, *(arguments or BACKFILL)]
    return subprocess.Popen(
        command, env=installation.environment, cwd=installation.folder, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def hold_in_a_commit(installation: Installation) -> Iterator[subprocess.Popen[str]]:
    """Run a back-fill that waits in its third commit until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING_PROGRAM, *BACKFILL],
        env=installation.environment,
        cwd=installation.folder,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        yield process
        process.kill()


def read_stderr_until(process: subprocess.Popen[str], beginning: str) -> None:
    """Read its standard error up to a line with this beginning."""
    assert process.stderr is not None
    assert any(line.startswith(beginning) for line in process.stderr)


def read_loaded_days(installation: Installation) -> list[date]:
    return [row["date"] for row in installation.read_view("conversation_daily", SUPPORT[0].name)]


def read_last_run(installation: Installation) -> dict[str, object]:
    return max(installation.read_view("load_run", SUPPORT[0].name), key=lambda row: row["started_at"])


def check_that_it_continues(installation: Installation, sandbox: Sandbox) -> None:
    """Run the same command: it loads the rest and repeats only the requests that were under way."""
    installation.backfill(FIRST, LAST)
    assert sandbox.request_log.count(provider="cognigy") <= MONTHS + CONCURRENT_REQUESTS
    assert installation.compare_with_truth(DAYS)[1] == []
    assert not list(installation.folder.rglob("*.part"))
    assert read_last_run(installation)["error"] is None


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)]
)
def test_the_first_signal_lets_a_commit_finish(
    installation: Installation, sandbox: Sandbox, number: signal.Signals, code: int
) -> None:
    with hold_in_a_commit(installation) as process:
        process.send_signal(number)
        read_stderr_until(process, "stopping after the current commit; a second signal stops at once")
        out, err = process.communicate("")
    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == "interrupted; run the same command again to continue"
    assert re.search(r"^acme-support +cognigy +92 +0 ", err, re.MULTILINE)
    assert sorted(read_loaded_days(installation)) == days_from(date(2025, 10, 1), 92)
    run = read_last_run(installation)
    assert (run["planned"], run["loaded"], run["failed"]) == (len(DAYS), 92, 0)
    assert run["ended_at"] is not None
    assert str(run["error"]).startswith("interrupted")
    check_that_it_continues(installation, sandbox)


@pytest.mark.e2e
def test_a_second_signal_ends_at_once(installation: Installation, sandbox: Sandbox) -> None:
    with hold_in_a_commit(installation) as process:
        process.send_signal(signal.SIGTERM)
        read_stderr_until(process, "stopping after ")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert not (installation.folder / "data/warehouse.duckdb").exists()
    check_that_it_continues(installation, sandbox)
    rows = sorted(installation.read_view("load_run", SUPPORT[0].name), key=lambda row: row["started_at"])
    assert [row["ended_at"] is None for row in rows] == [True, False]


@pytest.mark.e2e
def test_before_a_run_begins_nothing_is_left(installation: Installation, sandbox: Sandbox) -> None:
    script = "import signal\nfrom pipelines.configuration import config\nfrom pipelines.cli.main import main\n"
    # where the tests run in the background of a script, SIGINT is ignored
    script += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script += f"config.load_config = lambda *_, **__: signal.raise_signal(signal.SIGINT)\nmain({list(BACKFILL)})"
    done = subprocess.run(
        [sys.executable, "-c", script], env=installation.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip().startswith("interrupted; ")
    assert not (installation.folder / "data").exists()


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("seed", range(int(os.environ.get("CHATMART_KILLS", "3"))))
def test_interrupted_anywhere_nothing_is_half_loaded(installation: Installation, sandbox: Sandbox, seed: int) -> None:
    sandbox.shapes.delay_seconds = 0.05
    moment = 1 + seed * 7919 % MONTHS
    with start_command(installation) as process:
        wait_until(lambda: sandbox.request_log.count(provider="cognigy") >= moment)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == 143, err
    assert "Traceback" not in err
    months = {day.replace(day=1) for day in read_loaded_days(installation)}
    assert len(read_loaded_days(installation)) == sum(1 for day in DAYS if day.replace(day=1) in months)
    check_that_it_continues(installation, sandbox)


MOST_REPEATED = {"cognigy": 4, "chatdash": 4, "chatlayer": 15, "chatcaptain": 30, "inkeep": 60}
"""The most requests repeated after a kill: those of the batches under way. At Inkeep a month is one batch."""


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("seed", range(int(os.environ.get("CHATMART_KILLS", "1"))))
@pytest.mark.parametrize("provider", MOST_REPEATED)
def test_killed_anywhere_few_requests_are_repeated(sandbox: Sandbox, tmp_path: Path, provider: str, seed: int) -> None:
    sandbox.shapes.delay_seconds = 0.01
    account = next(account for account in SAMPLE_ACCOUNTS if account.provider == provider)
    product, days = Installation(tmp_path, sandbox, (account,)), days_from(date(2025, 2, 15), 45)
    command = ("backfill", "--from", str(days[0]), "--to", str(days[-1]))
    moment = random.Random(f"{provider} {seed}").randrange(1, 60 if provider != "cognigy" else 2)
    with start_command(product, *command) as process:
        wait_until(lambda: len(sandbox.requests) >= moment)
        process.kill()
        process.communicate()
    before = Counter(map(_request_key, sandbox.requests))
    sandbox.request_log.clear()
    done = run_as_if_alone(command, product.environment, product.folder)
    repeated = before & Counter(map(_request_key, sandbox.requests))
    assert repeated.total() <= MOST_REPEATED[provider], repeated
    if done.exit_code:  # killed between the create request of an export and its response
        assert "may or may not run; no other is started for this bot in this run" in done.err
    else:
        assert product.compare_with_truth(days)[1] == []


def _request_key(record: RequestRecord) -> tuple[str, ...]:
    return (record.method, record.path, record.query, record.body)
