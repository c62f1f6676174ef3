"""A back-fill that is killed around an export job and started again: never a second job for the same days."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.clock import FakeClock
from tests.support.installation import CHATMART, Installation
from tests.support.wait_until import wait_until

VOICE = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-voice")
DAY = date(2025, 3, 11)
FOREVER = 10**6


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def installation(sandbox: Sandbox, tmp_path: Path) -> Installation:
    return Installation(tmp_path, sandbox, VOICE)


@contextmanager
def start_backfill(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    command = [CHATMART, "backfill", "--from", str(DAY), "--to", str(DAY)]
    with subprocess.Popen(
        command, env=installation.environment, cwd=installation.folder, stderr=subprocess.DEVNULL
    ) as process:
        yield process
        process.kill()


def kill_backfill_when(installation: Installation, reached: Callable[[], bool]) -> None:
    """Start a back-fill of the day and kill it as soon as it has reached a point."""
    with start_backfill(installation) as process:
        wait_until(reached)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def list_partial_files(installation: Installation) -> list[Path]:
    return list((installation.folder / "data/landing").rglob("*.part"))


@pytest.mark.e2e
def test_killed_while_a_job_is_polled(sandbox: Sandbox, installation: Installation) -> None:
    sandbox.shapes.export_polls = FOREVER
    kill_backfill_when(installation, lambda: any(job.polls > 2 for job in sandbox.jobs))
    assert (
        not (installation.folder / "data/warehouse.duckdb").exists()
        or installation.read_view("conversation", "acme-voice") == []
    )
    sandbox.shapes.export_polls = 2
    installation.backfill(DAY, DAY)
    assert len(sandbox.jobs) == sandbox.request_log.count("chatcaptain", "/export", "POST") == 1
    assert installation.compare_with_truth([DAY])[1] == []
    installation.backfill(DAY, DAY)
    assert len(sandbox.jobs) == 1


@pytest.mark.e2e
@pytest.mark.long
def test_killed_before_the_id_is_recorded(sandbox: Sandbox, installation: Installation) -> None:
    sandbox.plan_faults(Fault(path="/export", method="POST", kind="hang"))
    kill_backfill_when(installation, lambda: len(sandbox.jobs) == 1)
    for _ in range(2):
        done = installation.backfill(DAY, DAY, exit_code=1)
        (sentence,) = re.findall("^failed: (.*)$", done.err, re.MULTILINE)
        assert re.fullmatch(
            r"acme-voice \(chatcaptain\.export\): an export of 2025-03-10T23:00:00\.000Z to 2025-03-11T22:59:59\.999Z "
            r"was asked for at [\d:]+ UTC and its answer never came, so it may or may not run; no other is started for "
            r"this bot in this run, and the days without an export wait; run the same command again after [\d-]+ "
            r"[\d:]+ UTC \(export_retry_minutes: 30\); the answers of the other streams are landed meanwhile",
            sentence,
        )
    assert len(sandbox.jobs) == sandbox.request_log.count("chatcaptain", "/export", "POST") == 1
    assert installation.load([DAY], clock=FakeClock(datetime.now(UTC) + timedelta(minutes=31))).is_ok
    assert len(sandbox.jobs) == 2
    assert installation.compare_with_truth([DAY])[1] == []


@pytest.mark.e2e
@pytest.mark.long
def test_killed_during_the_download(sandbox: Sandbox, installation: Installation) -> None:
    sandbox.plan_faults(Fault(path="/exports/", status=200, body="conversationId,startedAt\nc1,2025-03-1", kind="hang"))
    kill_backfill_when(
        installation, lambda: sandbox.request_log.count("download") == 1 and list_partial_files(installation) != []
    )
    installation.backfill(DAY, DAY)
    assert len(sandbox.jobs) == 1
    assert installation.compare_with_truth([DAY])[1] == []
    assert list_partial_files(installation) == []


@pytest.mark.e2e
def test_a_stuck_job_is_adopted_by_the_same_command(sandbox: Sandbox, installation: Installation) -> None:
    installation.overrides = {"acme-voice": {"export_start_deadline_seconds": 0.3}}
    installation.configure()
    sandbox.shapes.export_polls, sandbox.shapes.export_words = FOREVER, ("pending", "completed")
    done = installation.backfill(DAY, DAY, exit_code=1)
    assert "did not start within 0.3 seconds (status 'pending')" in done.err
    assert "it waits for this job and starts no other" in done.err
    sandbox.shapes.export_polls = 0
    installation.backfill(DAY, DAY)
    assert len(sandbox.jobs) == 1
    assert installation.compare_with_truth([DAY])[1] == []


@pytest.mark.e2e
def test_a_lost_creation_holds_up_exports_alone(sandbox: Sandbox, installation: Installation) -> None:
    """Of two months the newer one's creation is lost: the other streams of both are landed, and not fetched again."""
    days, clock = [date(2025, 2, 28), date(2025, 3, 1)], FakeClock(datetime.now(UTC))
    sandbox.plan_faults(Fault(path="/export", method="POST", kind="reset"))
    result = installation.load(days, clock=clock)
    [outcome] = [outcome for outcome in result.outcomes if outcome.account.name == "acme-voice"]
    assert (outcome.loaded, outcome.failed) == (0, 2)
    assert sandbox.request_log.count("chatcaptain", "/export", "POST") == 1
    queries = " ".join(record.query for record in sandbox.request_log.select("chatcaptain", "overview"))
    assert set(re.findall(r"from=([\d-]{10})", queries)) == {"2025-02-27", "2025-02-28"}  # midnight in Berlin, in UTC
    clock.advance(31 * 60)
    sandbox.request_log.clear()
    assert installation.load(days, clock=clock).is_ok
    assert sandbox.request_log.count("chatcaptain", "/export", "POST") == 2
    assert sandbox.request_log.count("chatcaptain") == sandbox.request_log.count("chatcaptain", "/export")
    assert installation.compare_with_truth(days)[1] == []
