"""The commands as a user runs them: output and exit codes, some in real processes."""

import json
import os
import re
import shlex
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.actions import demo
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.command import run_as_if_alone
from tests.support.installation import CHATMART, Installation

COGNIGY = tuple(account for account in SAMPLE_ACCOUNTS if account.provider == "cognigy")
BERLIN = (COGNIGY[0],)
DOCS = tuple(account for account in SAMPLE_ACCOUNTS if account.provider == "inkeep")


def make_installation(folder: Path, sandbox: Sandbox, accounts: tuple[SandboxAccount, ...]) -> Installation:
    folder.mkdir(parents=True, exist_ok=True)
    return Installation(folder, sandbox, accounts)


@pytest.mark.e2e
def test_a_short_demo_shows_totals_and_queries_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DEMO_DAYS", 3)
    result = run_as_if_alone(["demo"], os.environ, tmp_path)
    assert result.exit_code == 0, result.err
    for provider in ("chatcaptain", "chatdash", "chatlayer", "cognigy", "inkeep"):
        assert re.search(rf"^{provider} +\d +3 +\d{{2,}}$", result.out, re.MULTILINE), result.out
    commands = [shlex.split(line) for line in result.out.splitlines() if line.startswith("  ") and " sql " in line]
    assert len(commands) == 3
    for _program, *arguments in commands:
        query = run_as_if_alone(arguments, os.environ, tmp_path)
        assert query.exit_code == 0, query.err
        assert len(query.out.splitlines()) > 3
    assert (tmp_path / "data/demo/warehouse.duckdb").is_file()
    assert "The report is data/demo/report.html" in result.out
    assert (tmp_path / "data/demo/report.html").is_file()


@pytest.mark.e2e
@pytest.mark.long
def test_the_demo_shows_totals_and_queries_that_work(tmp_path: Path) -> None:
    done = subprocess.run([CHATMART, "demo"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for provider in ("chatcaptain", "chatdash", "chatlayer", "cognigy", "inkeep"):
        assert re.search(rf"^{provider} +\d +60 +\d{{4,}}$", done.stdout, re.MULTILINE), done.stdout
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("  ") and " sql " in line]
    assert len(commands) == 3
    for _program, *arguments in commands:
        query = subprocess.run([CHATMART, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert query.returncode == 0, query.stderr
        assert len(query.stdout.splitlines()) > 3
    assert (tmp_path / "data/demo/warehouse.duckdb").is_file()
    page = (tmp_path / "data/demo/report.html").read_text("utf-8")
    assert "The report is data/demo/report.html" in done.stdout
    assert "196 of 196" in page
    assert len(page) < 400_000


@pytest.mark.e2e
@pytest.mark.long
def test_a_year_of_cognigy_is_twelve_requests_and_equals_the_truth(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = make_installation(tmp_path, sandbox, BERLIN)
        bot.backfill(date(2025, 1, 1), date(2025, 12, 31))
        assert sandbox.request_log.count(provider="cognigy") == 12
        moved = make_installation(tmp_path / "moved", sandbox, BERLIN)
        moved.backfill(date(2024, 2, 15), date(2025, 2, 13))
        assert sandbox.request_log.count(provider="cognigy") == 12 + 13
        compared, lines = bot.compare_with_truth(list_days_of_year(2025))
    assert lines == []
    assert compared > 2000


@pytest.mark.e2e
def test_one_bad_account_never_holds_up_another(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = make_installation(tmp_path, sandbox, (replace(COGNIGY[0], credential="refused"), *COGNIGY[1:], *DOCS))
        done = bot.run_process("backfill", "--from", "2025-03-01", "--to", "2025-03-31", exit_code=1)
        assert "acme-support (cognigy.conversation_counter): HTTP 401" in done.err
        assert "Traceback" not in done.err
        assert bot.query("select account, count(*) as days from conversation_daily group by 1 order by 1") == [
            {"account": "acme-docs", "days": 31},
            {"account": "globex-support", "days": 31},
        ]
        requests = sandbox.request_log.select(provider="cognigy")
        assert len([record for record in requests if record.status == 401]) == 1


@pytest.mark.e2e
def test_standard_output_is_data_only(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = make_installation(tmp_path, sandbox, DOCS)
        done = bot.backfill(date(2025, 3, 30), date(2025, 3, 30))
        assert done.out == ""
        query = "select date, started_at, 0.5::decimal(9,3) as half, null as nothing from conversation limit 1"
        [row] = json.loads(bot.run_process("sql", query, "--format", "json").out)
        assert row["date"] == "2025-03-30"
        assert re.fullmatch(r"2025-03-30T\d\d:\d\d:\d\d\.\d{3}Z", row["started_at"])
        assert row["half"] == 0.5
        assert row["nothing"] is None
        wrong = bot.run("sql", "select nonsense", exit_code=2)
        assert wrong.out == ""
        assert "nonsense" in wrong.err


@pytest.mark.e2e
def test_a_deferred_limit_ends_as_failed_and_says_when_to_come_back(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = make_installation(tmp_path, sandbox, BERLIN)
        sandbox.plan_faults(Fault(path="conversationcounter", status=429, headers={"Retry-After": "7200"}))
        done = bot.backfill(date(2025, 3, 1), date(2025, 3, 31), exit_code=1)
        assert "used up until" in done.err
        assert sandbox.request_log.count(provider="cognigy") == 1
        bot.backfill(date(2025, 3, 1), date(2025, 3, 31))


def list_days_of_year(year: int) -> list[date]:
    first = date(year, 1, 1).toordinal()
    return [date.fromordinal(number) for number in range(first, date(year + 1, 1, 1).toordinal())]
