import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.command import CommandResult
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld

BERLIN_ZONE = ZoneInfo("Europe/Berlin")


def backfill(first: object, last: object, *more: object) -> tuple[object, ...]:
    return ("backfill", "--from", first, "--to", last, *more)


def test_a_backfill_says_what_it_did_on_standard_error(sample_world: SampleWorld, run_command) -> None:
    shutil.rmtree(sample_world.folder / "data")  # the first one makes the warehouse
    said = run_command(*backfill("2025-02-27", "2025-03-02"))
    assert (said.exit_code, said.out) == (0, "")
    assert re.search(r"^acme-berlin +cognigy +4 +0 +\d\d +2 +\d+\.\d kB +0\.0 s *$", said.err, re.MULTILINE)
    assert "acme-york: 4 days to load, 2 batches to fetch" in said.err
    assert re.search(r"^4 requests, 0 repeated, [\d.]+ kB received, 0\.0 s waited for limits, ", said.err, re.MULTILINE)
    assert "\x1b" not in said.err
    assert len(sample_world.read_view("conversation_daily")) == 8


def test_only_what_was_chosen(sample_world: SampleWorld, run_command) -> None:
    assert run_command(*backfill("2025-03-01", "2025-03-01", "--account", "acme-york")).exit_code == 0
    assert [row["account"] for row in sample_world.read_view("conversation_daily")] == ["acme-york"]
    said = run_command(*backfill("2025-03-01", "2025-03-01", "--account", "nobody", "--provider", "clippy"))
    assert said.exit_code == 2
    assert said.err.splitlines()[0] == "there is no account 'nobody' in chatmart.yaml"
    assert said.err.splitlines()[1].startswith("there is no provider 'clippy'; known: ")


def test_one_failed_account_is_1_and_named(sample_world: SampleWorld, run_command) -> None:
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts = (bad, NEW_YORK)
    said = run_command(*backfill("2025-03-01", "2025-03-31"))
    assert (said.exit_code, said.out) == (1, "")
    assert re.search(r"^acme-berlin +cognigy +0 +31 +0 +1 ", said.err, re.MULTILINE)
    assert re.search(r"^acme-york +cognigy +31 +0 +\d+ +1 ", said.err, re.MULTILINE)
    (failed,) = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert failed.startswith("failed: acme-berlin (cognigy.conversation_counter): HTTP 401, the provider says: ")
    assert bad.credential not in said.err


def test_a_deferred_account_says_when_to_come_back(sandbox: Sandbox, sample_world: SampleWorld, run_command) -> None:
    sandbox.plan_faults(Fault(status=429, headers={"retry-after": "7200"}, times=9))
    said = run_command(*backfill("2025-03-01", "2025-03-31"))
    assert said.exit_code == 1
    assert re.search(r"limit is used up until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", said.err)


def test_a_dry_run_asks_nothing(sample_world: SampleWorld, run_command) -> None:
    said = run_command(*backfill("2025-01-01", "2025-12-31", "--dry-run"))
    assert (said.exit_code, said.out) == (0, "")
    assert re.search(r"^acme-berlin +cognigy +365 +12 +seconds *$", said.err, re.MULTILINE)
    assert "Nothing was asked" in said.err
    assert sample_world.take_requests() == []
    sample_world.overrides = {"acme-berlin": {"rate_limit": {"requests": 1, "period_seconds": 60}}}
    assert "0:11:00" in run_command(*backfill("2025-01-01", "2025-12-31", "--dry-run")).err


def test_days_that_cannot_be_are_left_out_and_said(sample_world: SampleWorld, run_command) -> None:
    today = datetime.now(UTC).date()
    sample_world.overrides = {
        "acme-berlin": {"start_date": "2025-03-02"},
        "acme-york": {"start_date": today + timedelta(days=30)},
    }
    said = run_command(*backfill("2025-03-01", "2025-03-03"))
    assert said.exit_code == 0
    assert "acme-berlin: begins on 2025-03-02, so only 2025-03-02 to 2025-03-03 is loaded" in said.err
    assert "so nothing is loaded" in said.err
    assert [row["date"] for row in sample_world.read_view("conversation_daily")] == [date(2025, 3, 2), date(2025, 3, 3)]
    sample_world.overrides = {}
    future = run_command(*backfill(today + timedelta(days=10), "9999-12-31"))
    assert future.exit_code == 2
    assert "the future is not loaded" in future.err


@pytest.mark.parametrize(
    "arguments",
    [
        backfill("2025-03-02", "2025-03-01"),
        backfill("yesterday", "2025-03-01"),
        backfill("2025-02-30", "2025-03-01"),
        ("backfill", "--from", "2025-03-01"),
        ("load", "--date", "2025-3"),
        ("load", "--date", "9999-12-31"),
    ],
)
def test_wrong_days_are_2(run_command, sample_world: SampleWorld, arguments: tuple[object, ...]) -> None:
    said = run_command(*arguments)
    assert (said.exit_code, said.out) == (2, "")
    assert "Traceback" not in said.err
    assert sample_world.take_requests() == []


def test_the_daily_load_takes_the_look_back_with_it(sample_world: SampleWorld, run_command) -> None:
    sample_world.accounts = (BERLIN,)
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert [row["date"].day for row in sample_world.read_view("conversation_daily")] == [2, 3, 4, 5]
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(sample_world.take_requests()) == 2  # a daily load asks again also for what is settled
    sample_world.overrides = {BERLIN.name: {"start_date": "2025-03-04", "lookback_days": 30}}
    assert run_command("load", "--date", "2025-03-06").exit_code == 0
    assert [row["date"].day for row in sample_world.read_view("conversation_daily")] == [2, 3, 4, 5, 6]


def loaded(sample_world: SampleWorld) -> dict[str, list[int]]:
    """How many days before today in the account's zone its loaded days are, the newest last."""
    found = {}
    for account in sample_world.open_workspace().config.accounts:
        today = datetime.now(account.zone).date()
        rows = sample_world.read_view("conversation_daily", f"account = '{account.name}'")
        found[account.name] = [(today - row["date"]).days for row in rows]
    return found


def test_the_daily_load_ends_with_yesterday(sample_world: SampleWorld, run_command) -> None:
    sample_world.overrides = {name: {"start_date": None} for name in ("acme-berlin", "acme-york")}
    assert run_command("load").exit_code == 0
    assert loaded(sample_world) == {name: [4, 3, 2, 1] for name in ("acme-berlin", "acme-york")}


def test_the_daily_load_takes_days_of_downtime_with_it(sample_world: SampleWorld, run_command) -> None:
    today = datetime.now(BERLIN_ZONE).date()
    sample_world.accounts = (BERLIN,)
    sample_world.overrides = {BERLIN.name: {"start_date": today - timedelta(days=20)}}
    assert run_command(*backfill(today - timedelta(days=20), today - timedelta(days=12))).exit_code == 0
    sample_world.take_requests()
    said = run_command("load")
    assert said.exit_code == 0
    assert "acme-berlin: 11 days to load" in said.err
    assert loaded(sample_world)[BERLIN.name] == list(range(20, 0, -1))
    assert "acme-berlin: 4 days to load" in run_command("load").err
    assert "older days" not in said.err


def test_the_daily_load_of_a_new_account_is_bounded_and_says_what_it_leaves(
    sample_world: SampleWorld, run_command
) -> None:
    today = datetime.now(BERLIN_ZONE).date()
    first, reached = today - timedelta(days=100), today - timedelta(days=10)
    sample_world.accounts, sample_world.top_level = (BERLIN,), {"catch_up_days": 10}
    sample_world.overrides = {BERLIN.name: {"start_date": first}}
    said = run_command("load")
    assert said.exit_code == 0
    assert loaded(sample_world)[BERLIN.name] == list(range(10, 0, -1))
    last = reached - timedelta(days=1)
    assert f"acme-berlin: 90 older days are missing, failed or stale ({first} to {last})" in said.err
    assert said.err.rstrip().endswith(f"chatmart backfill --account acme-berlin --from {first} --to {last}")


def test_a_day_that_is_named_is_not_a_reason_to_catch_up(sample_world: SampleWorld, run_command) -> None:
    sample_world.accounts = (BERLIN,)
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(sample_world.read_view("conversation_daily")) == 4


def test_requests_are_logged_with_verbose_and_without_secrets(sample_world: SampleWorld, run_command) -> None:
    sample_world.overrides = {BERLIN.name: {"auth": "query"}}
    quiet = run_command(*backfill("2025-03-01", "2025-03-01"))
    assert "DEBUG" not in quiet.err
    said = run_command("--verbose", *backfill("2025-03-01", "2025-03-01", "--refetch"))
    assert said.exit_code == 0
    assert "chatmart.http acme-berlin (cognigy.conversation_counter) GET " in said.err
    assert BERLIN.credential not in said.err


def as_json(said: CommandResult) -> list[dict[str, object]]:
    assert said.out == ""
    return [json.loads(line) for line in said.err.splitlines()]


def test_a_log_as_json_is_all_of_standard_error(
    sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATMART_LOG", "json")
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts, sample_world.overrides = (bad, NEW_YORK), {BERLIN.name: {"start_date": "2025-03-02"}}
    told = as_json(run_command("--log-level", "debug", *backfill("2025-03-01", "2025-03-31")))
    assert len({line["run_id"] for line in told if "run_id" in line}) == 1
    (request,) = [line for line in told if line.get("status") == 200]
    assert {name: request[name] for name in ("level", "account", "provider", "stream", "method", "command")} == {
        "level": "debug",
        "account": "acme-york",
        "provider": "cognigy",
        "stream": "conversation_counter",
        "method": "GET",
        "command": "backfill",
    }
    (commit,) = [line for line in told if "first" in line and line["level"] == "info"]
    assert (commit["account"], commit["slices"], commit["first"]) == ("acme-york", 31, "2025-03-01")
    (failure,) = [line for line in told if line["level"] == "warning"]
    assert (failure["account"], failure["slices"]) == ("acme-berlin", 30)
    assert bad.credential not in json.dumps(told)
    ends = {line["account"]: line for line in told if "waited_seconds" in line and "account" in line}
    assert (ends["acme-york"]["loaded"], ends["acme-york"]["requests"], ends["acme-york"]["error"]) == (31, 1, None)
    assert "HTTP 401" in str(ends["acme-berlin"]["error"])
    assert (told[-1]["loaded"], told[-1]["failed"], told[-1]["requests"]) == (31, 30, 2)


def test_a_dry_run_as_json(sample_world: SampleWorld, run_command) -> None:
    told = as_json(run_command("--log-format", "json", *backfill("2025-01-01", "2025-12-31", "--dry-run")))
    assert [(line.get("account"), line.get("batches_to_fetch")) for line in told] == [
        ("acme-berlin", "12"),
        ("acme-york", "12"),
        (None, None),
    ]


def test_wrong_use_as_json(sample_world: SampleWorld, run_command) -> None:
    (told,) = as_json(run_command("--log-format", "json", "load", "--date", "2025-3"))
    assert told["level"] == "error"
    assert "2025-3" in str(told["event"])
    assert run_command("--log-format", "xml", "load").exit_code == 2


def test_the_day_that_was_asked_for_is_named_when_it_is_not_loaded(sample_world: SampleWorld, run_command) -> None:
    said = run_command("load", "--date", "2030-01-01")
    assert said.exit_code == 2
    sample_world.overrides = {BERLIN.name: {"start_date": "2025-03-07"}}
    said = run_command("load", "--date", "2025-03-05")
    assert "acme-berlin: begins on 2025-03-07, so nothing is loaded" in said.err
