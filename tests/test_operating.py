"""docs/operating.md and docs/monitoring.md, run: SQL on a warehouse, units by systemd, a cron line by a shell."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines.cli.logs import LOG_FORMATS, LOG_LEVELS
from tests.support.programs import read_help
from tests.warehouse.sample import (
    ACME,
    DEFINITIONS,
    LOADED_AT,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
)
from warehouse.records import DriftEntry, ReconciliationEntry, RunRow, SliceFailure
from warehouse.store import Store

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/operating.md").read_text("utf-8")
MONITORING_PAGE = (ROOT / "docs/monitoring.md").read_text("utf-8")
BIN = Path(sys.executable).parent
NOW = datetime.now(UTC)
TODAY = NOW.astimezone(ZoneInfo(ACME.timezone)).date()  # late in the evening it is tomorrow there


def read_blocks(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def read_warehouse_queries() -> list[str]:
    return read_blocks("sql", MONITORING_PAGE)


def build_run(account: str, command: str, began: datetime, *, ended: bool, loaded: int) -> RunRow:
    end = began + timedelta(minutes=10) if ended else None
    error = None if loaded == 4 else f"{account}: HTTP 500"
    return RunRow(
        *(began.date(), ACME.provider, account, f"{account}-{began}", command, began, end),
        *(4, loaded, 4 - loaded, 8, 1, 2_000_000, 40, Decimal(300), error),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two accounts: a healthy one, and one with every problem that the page queries."""
    store = open_sample_store(tmp_path_factory.mktemp("operating"))
    good, bad = (replace(ACME, account=name, start_date=TODAY - timedelta(days=20)) for name in ("good", "bad"))
    store.set_accounts_and_measures([good, bad], DEFINITIONS)
    recent = [TODAY - timedelta(days=back) for back in range(20, 0, -1)]
    store.commit(build_chunk_commit(recent, build_full_tables(recent), account=good, loaded_at=NOW))
    loaded = recent[:10]
    wrong = (
        ReconciliationEntry(loaded[0], "conversations", "channel_daily", Decimal(2), Decimal(1), "unexplained", None),
    )
    commit = build_chunk_commit(loaded, build_full_tables(loaded), account=bad, loaded_at=NOW, reconciled=wrong)
    store.commit(replace(commit, drift=(DriftEntry(loaded[0], "s", "unknown field", "$.new", "b"),)))
    store.record_failures([SliceFailure(bad, (recent[12],), "bad: HTTP 500", NOW)])
    store.record_run(
        [
            build_run("good", "load", NOW - timedelta(hours=30), ended=False, loaded=0),
            build_run("good", "load", NOW - timedelta(hours=1), ended=True, loaded=4),
            build_run("bad", "backfill", NOW - timedelta(hours=2), ended=True, loaded=3),
        ]
    )
    store.publish()
    return store


def test_every_query_finds_its_problem(store: Store) -> None:
    stale, gaps, killed, behind, odd, costs = (store.read(block).to_pylist() for block in read_warehouse_queries())
    assert [(row["account"], row["newest_day"]) for row in stale] == [("bad", TODAY - timedelta(days=11))]
    assert [(row["account"], row["state"], row["days"], row["error"]) for row in gaps] == [
        ("bad", "failed", 1, "bad: HTTP 500"),
        ("bad", "missing", 9, None),
    ]
    assert [(row["account"], row["command"]) for row in killed] == [("good", "load")]
    assert [(row["account"], row["loaded"], row["error"]) for row in behind] == [("bad", 3, "bad: HTTP 500")]
    assert [(row["account"], row["problem"]) for row in odd] == [
        ("bad", "conversations against channel_daily"),
        ("bad", "unknown field $.new"),
    ]
    assert sum(row["runs"] for row in costs) == 2
    assert {row["megabytes"] / row["runs"] for row in costs} == {2.0}
    assert {row["share_waited"] for row in costs} == {0.5}


def test_no_row_is_good_news(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    account = replace(ACME, start_date=TODAY - timedelta(days=3))
    store.set_accounts_and_measures([account], DEFINITIONS)
    recent = [TODAY - timedelta(days=back) for back in (3, 2, 1)]
    store.commit(build_chunk_commit(recent, build_full_tables(recent), account=account, loaded_at=NOW))
    store.record_run([build_run(account.account, "load", NOW - timedelta(hours=1), ended=True, loaded=4)])
    store.publish()
    assert [store.read(block).num_rows for block in read_warehouse_queries()[:-1]] == [0] * 5


def test_the_cost_query_works_without_runs(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2)), loaded_at=LOADED_AT))
    store.publish()
    assert store.read(read_warehouse_queries()[-1]).num_rows == 0


def read_units() -> dict[str, str]:
    """Return the units by name; the webserver's is made from the daemon's as the page says."""
    service, timer, daemon, webserver = read_blocks("ini")
    start = "\n".join(line for line in webserver.splitlines() if line.startswith("ExecStart="))
    return {
        "chatmart.service": service,
        "chatmart.timer": timer,
        "chatmart-daemon.service": daemon,
        "chatmart-webserver.service": re.sub(r"^ExecStart=.*$", start, daemon, flags=re.MULTILINE),
    }


def test_units_start_real_commands() -> None:
    for unit in read_units().values():
        for command in re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE):
            program, *words = command.split()
            first = next((number for number, word in enumerate(words) if word.startswith("--")), len(words))
            help_text = read_help(Path(program).name, *words[:first])
            assert all(word in help_text for word in words if word.startswith("--")), command


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_units_are_understood_by_systemd(tmp_path: Path) -> None:
    for name, unit in read_units().items():
        (tmp_path / name).write_text(unit.replace("/opt/chatmart/.venv/bin", str(BIN)).replace("User=chatmart\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in read_units())],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "chatmart" in line]
    assert (ours, done.returncode) == ([], 0), done.stderr


def test_the_cron_line_has_five_fields_and_a_command_that_ends_as_the_load_does() -> None:
    (block,) = read_blocks("cron")
    variable, line = block.splitlines()
    assert re.fullmatch(r"MAILTO=\S+", variable)
    *fields, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*,/-]+", field) for field in fields)
    assert "%" not in command  # to cron that is the end of the line
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_the_options_of_the_log_exist() -> None:
    assert LOG_FORMATS == ("text", "json")
    words = set(re.findall(r"`--log-(\w+) (\w+)`", PAGE))
    assert words == {("level", "info"), ("level", "warning"), ("format", "json")}
    assert {"info", "warning"} <= set(LOG_LEVELS)


def test_links_on_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)", PAGE)) <= anchors


def test_dates_in_commands_are_dates() -> None:
    for day in re.findall(r"--(?:from|to) (\S+)", PAGE):
        assert date.fromisoformat(day)
