"""Back-up and restore by the lines of docs/operating.md, run by a shell in a folder with loaded data."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import CHATMART, Installation, days_from
from tests.support.wait_until import wait_until

PAGE = (Path(__file__).parents[2] / "docs/operating.md").read_text("utf-8")
(LANDED_QUERY,) = (block for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) if "read_json" in block)
BACKUP, RESTORE, REPLAY = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.provider in ("cognigy", "inkeep"))
DAYS = days_from(date(2025, 2, 25), 10)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    folder = tmp_path / "srv"
    folder.mkdir()
    with Sandbox() as sandbox:
        yield Installation(folder, sandbox, ACCOUNTS)


def run_shell(installation: Installation, lines: str) -> str:
    """Run lines of the page with this test's folders in place of the page's, and return the standard output."""
    backup = installation.folder.parent / "backup"
    for name, here in (("/srv/chatmart", installation.folder), ("/backup/chatmart", backup)):
        assert name in lines
        lines = lines.replace(name, str(here))
    today = subprocess.run(["date", "+%F"], capture_output=True, text=True, check=True).stdout.strip()
    lines = lines.replace("2026-01-31", today)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", lines], env={**installation.environment, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def load_with_history(installation: Installation) -> None:
    """Load the days, and one of them again after it was restated."""
    assert installation.load(DAYS).is_ok
    installation.sandbox.world.restate(ACCOUNTS[0].name, DAYS[3], "smaller")
    assert installation.load(DAYS[:5], refetch=True).is_ok


def read_restatements(installation: Installation) -> list[str]:
    columns = ("date", "account", "view", "member", "measure", "old", "new")
    rows = [row for account in ACCOUNTS for row in installation.read_view("restatement_log", account.name)]
    return sorted(str([row[column] for column in columns]) for row in rows)


def damage_installation(installation: Installation) -> None:
    """Overwrite the warehouse and the landed batches, and delete the configuration."""
    (installation.folder / "data/warehouse.duckdb").write_bytes(b"damaged")
    for batch in (installation.folder / "data/landing").rglob("*.zst"):
        batch.write_bytes(b"damaged")
    (installation.folder / "chatmart.yaml").unlink()


@pytest.mark.e2e
def test_a_copy_is_restored_and_goes_on(installation: Installation) -> None:
    load_with_history(installation)
    before, history = installation.read_all_views(), read_restatements(installation)
    assert history
    run_shell(installation, BACKUP)
    assert installation.load(days_from(date(2025, 4, 1), 3)).is_ok  # what the copy does not know
    damage_installation(installation)
    output = run_shell(installation, RESTORE)
    assert all(account.name in output for account in ACCOUNTS)
    assert (installation.read_all_views(), read_restatements(installation)) == (before, history)
    installation.sandbox.request_log.clear()
    installation.backfill(DAYS[0], DAYS[-1])
    assert installation.sandbox.request_log.count() == 0  # all of it is settled
    installation.backfill(date(2025, 4, 1), date(2025, 4, 3))
    assert installation.compare_with_truth([*DAYS, *days_from(date(2025, 4, 1), 3)])[1] == []


@pytest.mark.e2e
def test_landed_answers_are_read_by_sql(installation: Installation) -> None:
    assert installation.load(DAYS[:5]).is_ok
    rows = json.loads(installation.run("sql", "--format", "json", LANDED_QUERY).out)
    bodies = [json.loads(row["body"]) for row in rows]
    assert bodies
    assert {row["provider"] for row in rows} == {"inkeep"}
    assert {row["account"] for row in rows} == {account.name for account in ACCOUNTS if account.provider == "inkeep"}


@pytest.mark.e2e
@pytest.mark.long
def test_the_landing_zone_alone_is_enough(installation: Installation) -> None:
    load_with_history(installation)
    before, history = installation.read_all_views(), read_restatements(installation)
    run_shell(installation, BACKUP)
    damage_installation(installation)
    installation.sandbox.request_log.clear()
    run_shell(installation, REPLAY)
    assert (installation.read_all_views(), read_restatements(installation)) == (before, history)
    assert installation.sandbox.request_log.count() == 0
    assert (installation.folder / "data/landing").stat().st_mode & 0o077 == 0


@pytest.mark.e2e
@pytest.mark.long
def test_a_copy_that_is_taken_while_a_load_goes_on_is_whole(installation: Installation) -> None:
    before = days_from(date(2025, 1, 1), 55)
    load_with_history(installation)
    installation.sandbox.shapes.delay_seconds = 0.1
    installation.sandbox.request_log.clear()
    command = [CHATMART, "backfill", "--from", str(before[0]), "--to", str(before[-1])]
    with subprocess.Popen(
        command, env=installation.environment, cwd=installation.folder, stderr=subprocess.DEVNULL
    ) as backfill:
        wait_until(lambda: installation.sandbox.request_log.count() > 3)
        run_shell(installation, BACKUP)
        assert backfill.poll() is None
        backfill.kill()
    damage_installation(installation)
    installation.sandbox.shapes.delay_seconds = 0.0
    run_shell(installation, RESTORE)
    installation.backfill(before[0], DAYS[-1])
    assert installation.compare_with_truth([*before, *DAYS])[1] == []
