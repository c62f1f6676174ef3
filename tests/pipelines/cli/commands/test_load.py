import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from extractors.clock import SYSTEM_CLOCK
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.command import CommandResult
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld

BERLIN_ZONE = ZoneInfo("Europe/Berlin")


def backfill_arguments(first: object, last: object, *more: object) -> tuple[object, ...]:
    return ("backfill", "--from", first, "--to", last, *more)


def test_a_backfill_prints_its_summary_to_standard_error(sample_world: SampleWorld, run_command) -> None:
    shutil.rmtree(sample_world.folder / "data")  # the first one makes the warehouse
    result = run_command(*backfill_arguments("2025-02-27", "2025-03-02"))
    assert (result.exit_code, result.out) == (0, "")
    assert re.search(r"^acme-berlin +cognigy +4 +0 +\d\d +2 +\d+\.\d kB +0\.0 s *$", result.err, re.MULTILINE)
    assert "acme-york: 4 days to load, 2 batches to fetch" in result.err
    assert re.search(
        r"^4 requests, 0 retries, [\d.]+ kB received, 0\.0 s waited for limits, ", result.err, re.MULTILINE
    )
    assert "\x1b" not in result.err
    assert len(sample_world.read_view("conversation_daily")) == 8


def test_only_chosen_accounts_are_loaded(sample_world: SampleWorld, run_command) -> None:
    assert run_command(*backfill_arguments("2025-03-01", "2025-03-01", "--account", "acme-york")).exit_code == 0
    assert [row["account"] for row in sample_world.read_view("conversation_daily")] == ["acme-york"]
    result = run_command(*backfill_arguments("2025-03-01", "2025-03-01", "--account", "nobody", "--provider", "clippy"))
    assert result.exit_code == 2
    problem = result.err.splitlines()[0]
    path = sample_world.folder / "chatmart.yaml"
    assert problem == f"there is no account 'nobody' in {path}; it has acme-berlin, acme-york"
    assert result.err.splitlines()[1].startswith("there is no provider 'clippy'; known: ")


def test_one_failed_account_is_1_and_named(sample_world: SampleWorld, run_command) -> None:
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts = (bad, NEW_YORK)
    result = run_command(*backfill_arguments("2025-03-01", "2025-03-31"))
    assert (result.exit_code, result.out) == (1, "")
    assert re.search(r"^acme-berlin +cognigy +0 +31 +0 +1 ", result.err, re.MULTILINE)
    assert re.search(r"^acme-york +cognigy +31 +0 +\d+ +1 ", result.err, re.MULTILINE)
    (failed,) = [line for line in result.err.splitlines() if line.startswith("failed: ")]
    assert failed.startswith("failed: acme-berlin (cognigy.conversation_counter): HTTP 401, the provider says: ")
    assert bad.credential not in result.err


def test_an_account_whose_secret_is_not_set_fails_alone(sample_world: SampleWorld, run_command) -> None:
    sample_world.overrides = {"acme-berlin": {"api_key": "${NOBODY_SET_THIS}"}}
    sentence = "acme-berlin (cognigy): the variable NOBODY_SET_THIS is not set; set it or write it into .env"
    result = run_command(*backfill_arguments("2025-03-01", "2025-03-31"))
    assert (result.exit_code, result.out) == (1, "")
    assert re.search(r"^acme-berlin +cognigy +0 +31 +0 +0 ", result.err, re.MULTILINE)
    assert re.search(r"^acme-york +cognigy +31 +0 +\d+ +1 ", result.err, re.MULTILINE)
    assert f"failed: {sentence}" in result.err.splitlines()
    assert len(sample_world.take_requests()) == 1
    preview = run_command(*backfill_arguments("2025-03-01", "2025-03-02", "--refetch", "--dry-run", "--fetch"))
    assert preview.exit_code == 1
    assert sentence in preview.err
    assert len(sample_world.take_requests()) == 1
    alone = run_command(*backfill_arguments("2025-03-01", "2025-04-01", "--account", "acme-york"))
    assert alone.exit_code == 0
    assert "NOBODY_SET_THIS" not in alone.err
    sample_world.overrides = {}
    rows = sample_world.read_view("load_run", "account = 'acme-berlin'")
    assert [(row["failed"], row["error"]) for row in rows] == [(31, sentence)]


def test_a_deferred_account_says_when_to_come_back(sandbox: Sandbox, sample_world: SampleWorld, run_command) -> None:
    sandbox.plan_faults(Fault(status=429, headers={"retry-after": "7200"}, times=9))
    result = run_command(*backfill_arguments("2025-03-01", "2025-03-31"))
    assert result.exit_code == 1
    assert re.search(r"limit is used up until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", result.err)


def test_a_dry_run_sends_no_request(sample_world: SampleWorld, run_command) -> None:
    result = run_command(*backfill_arguments("2025-01-01", "2025-12-31", "--dry-run"))
    assert (result.exit_code, result.out) == (0, "")
    assert re.search(r"^acme-berlin +cognigy +365 +2025-01-01 +2025-12-31 +12 +seconds *$", result.err, re.MULTILINE)
    assert "No request was sent" in result.err
    assert sample_world.take_requests() == []
    sample_world.overrides = {"acme-berlin": {"rate_limit": {"requests": 1, "period_seconds": 60}}}
    assert "0:11:00" in run_command(*backfill_arguments("2025-01-01", "2025-12-31", "--dry-run")).err


def test_days_that_cannot_be_loaded_are_left_out_and_named(sample_world: SampleWorld, run_command) -> None:
    today = datetime.now(UTC).date()
    sample_world.overrides = {
        "acme-berlin": {"start_date": "2025-03-02"},
        "acme-york": {"start_date": today + timedelta(days=30)},
    }
    result = run_command(*backfill_arguments("2025-03-01", "2025-03-03"))
    assert result.exit_code == 0
    assert "acme-berlin: begins on 2025-03-02, so only 2025-03-02 to 2025-03-03 is loaded" in result.err
    assert "so nothing is loaded" in result.err
    assert [row["date"] for row in sample_world.read_view("conversation_daily")] == [date(2025, 3, 2), date(2025, 3, 3)]
    sample_world.overrides = {}
    future = run_command(*backfill_arguments(today + timedelta(days=10), "9999-12-31"))
    assert future.exit_code == 2
    assert "the future is not loaded" in future.err


def test_a_day_that_is_not_over_where_the_account_is_is_not_loaded(
    sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2025, 3, 5, 23, 30, tzinfo=UTC)  # the 6th has begun in Berlin, and the 5th goes on in New York
    monkeypatch.setitem(vars(SYSTEM_CLOCK), "now", lambda: evening)
    early = run_command("load", "--date", "2025-03-06")
    assert early.exit_code == 2
    assert (
        "2025-03-06 is not over in any account's time zone (America/New_York, Europe/Berlin): later days" in early.err
    )
    assert sample_world.take_requests() == []
    sample_world.overrides = {"acme-york": {"start_date": "2025-03-03"}}
    result = run_command(*backfill_arguments("2025-03-02", "2025-03-07"))
    assert result.exit_code == 0
    assert "acme-berlin: 2025-03-06 is not over in Europe/Berlin, so only 2025-03-02 to 2025-03-05" in result.err
    assert (
        "acme-york: begins on 2025-03-03 and 2025-03-05 is not over in America/New_York, "
        "so only 2025-03-03 to 2025-03-04 is loaded" in result.err
    )
    assert "acme-york: 2025-03-05 is not over in America/" in run_command("load", "--date", "2025-03-05").err
    loaded = [(row["account"], row["date"].day) for row in sample_world.read_view("conversation_daily")]
    assert sorted(loaded) == [("acme-berlin", day) for day in (2, 3, 4, 5)] + [("acme-york", day) for day in (3, 4)]


def test_a_backfill_says_which_accounts_are_settled(sample_world: SampleWorld, run_command) -> None:
    sample_world.accounts = (BERLIN,)
    days = backfill_arguments("2025-03-01", "2025-03-02")
    assert "settled" not in run_command(*days).err
    for again in (run_command(*days), run_command(*days, "--dry-run")):
        assert again.exit_code == 0
        assert "acme-berlin: already loaded and settled; --refetch loads these days again" in again.err
        assert "days to load" not in again.err


@pytest.mark.parametrize(
    "arguments",
    [
        backfill_arguments("2025-03-02", "2025-03-01"),
        backfill_arguments("yesterday", "2025-03-01"),
        backfill_arguments("2025-02-30", "2025-03-01"),
        ("backfill", "--from", "2025-03-01"),
        ("load", "--date", "2025-3"),
        ("load", "--date", "9999-12-31"),
        backfill_arguments("1919-03-29", "1919-04-02"),
        backfill_arguments("1970-01-01", "2025-03-01"),
        ("load", "--date", "1919-03-29"),
    ],
)
def test_wrong_days_are_2(run_command, sample_world: SampleWorld, arguments: tuple[object, ...]) -> None:
    result = run_command(*arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert "Traceback" not in result.err
    assert sample_world.take_requests() == []


def test_the_daily_load_takes_the_look_back_with_it(sample_world: SampleWorld, run_command) -> None:
    sample_world.accounts = (BERLIN,)
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert [row["date"].day for row in sample_world.read_view("conversation_daily")] == [2, 3, 4, 5]
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(sample_world.take_requests()) == 2  # a daily load fetches settled days again
    sample_world.overrides = {BERLIN.name: {"start_date": "2025-03-04", "lookback_days": 30}}
    assert run_command("load", "--date", "2025-03-06").exit_code == 0
    assert [row["date"].day for row in sample_world.read_view("conversation_daily")] == [2, 3, 4, 5, 6]


def loaded_day_ages(sample_world: SampleWorld) -> dict[str, list[int]]:
    """Return by account how many days before today (in the account's zone) its loaded days are, the newest last."""
    ages = {}
    for account in sample_world.open_workspace().config.accounts:
        today = datetime.now(account.zone).date()
        rows = sample_world.read_view("conversation_daily", f"account = '{account.name}'")
        ages[account.name] = [(today - row["date"]).days for row in rows]
    return ages


def test_the_daily_load_ends_with_yesterday(sample_world: SampleWorld, run_command) -> None:
    sample_world.overrides = {name: {"start_date": None} for name in ("acme-berlin", "acme-york")}
    assert run_command("load").exit_code == 0
    assert loaded_day_ages(sample_world) == {name: [4, 3, 2, 1] for name in ("acme-berlin", "acme-york")}


def test_the_daily_load_takes_days_of_downtime_with_it(sample_world: SampleWorld, run_command) -> None:
    today = datetime.now(BERLIN_ZONE).date()
    sample_world.accounts = (BERLIN,)
    sample_world.overrides = {BERLIN.name: {"start_date": today - timedelta(days=20)}}
    assert run_command(*backfill_arguments(today - timedelta(days=20), today - timedelta(days=12))).exit_code == 0
    sample_world.take_requests()
    result = run_command("load")
    assert result.exit_code == 0
    assert "acme-berlin: 11 days to load" in result.err
    assert loaded_day_ages(sample_world)[BERLIN.name] == list(range(20, 0, -1))
    assert "acme-berlin: 4 days to load" in run_command("load").err
    assert "older days" not in result.err


def test_the_daily_load_of_a_new_account_is_bounded_and_names_older_days(
    sample_world: SampleWorld, run_command
) -> None:
    today = datetime.now(BERLIN_ZONE).date()
    first, reached = today - timedelta(days=100), today - timedelta(days=10)
    sample_world.accounts, sample_world.top_level = (BERLIN,), {"catch_up_days": 10}
    sample_world.overrides = {BERLIN.name: {"start_date": first}}
    result = run_command("load")
    assert result.exit_code == 0
    assert loaded_day_ages(sample_world)[BERLIN.name] == list(range(10, 0, -1))
    last = reached - timedelta(days=1)
    assert f"acme-berlin: 90 older days are missing, failed or stale ({first} to {last})" in result.err
    assert result.err.rstrip().endswith(f"chatmart backfill --account acme-berlin --from {first} --to {last}")


def test_a_named_day_does_not_catch_up(sample_world: SampleWorld, run_command) -> None:
    sample_world.accounts = (BERLIN,)
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(sample_world.read_view("conversation_daily")) == 4


def test_requests_are_logged_with_verbose_and_without_secrets(sample_world: SampleWorld, run_command) -> None:
    sample_world.overrides = {BERLIN.name: {"auth": "query"}}
    quiet = run_command(*backfill_arguments("2025-03-01", "2025-03-01"))
    assert "DEBUG" not in quiet.err
    result = run_command("--verbose", *backfill_arguments("2025-03-01", "2025-03-01", "--refetch"))
    assert result.exit_code == 0
    assert "chatmart.http acme-berlin (cognigy.conversation_counter) GET " in result.err
    assert BERLIN.credential not in result.err


def parse_log(result: CommandResult) -> list[dict[str, object]]:
    assert result.out == ""
    return [json.loads(line) for line in result.err.splitlines()]


def test_a_log_as_json_is_all_of_standard_error(
    sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATMART_LOG", "json")
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts, sample_world.overrides = (bad, NEW_YORK), {BERLIN.name: {"start_date": "2025-03-02"}}
    lines = parse_log(run_command("--log-level", "debug", *backfill_arguments("2025-03-01", "2025-03-31")))
    assert len({line["run_id"] for line in lines if "run_id" in line}) == 1
    (request,) = [line for line in lines if line.get("status") == 200]
    assert {name: request[name] for name in ("level", "account", "provider", "stream", "method", "command")} == {
        "level": "debug",
        "account": "acme-york",
        "provider": "cognigy",
        "stream": "conversation_counter",
        "method": "GET",
        "command": "backfill",
    }
    (commit,) = [line for line in lines if "first" in line and line["level"] == "info"]
    assert (commit["account"], commit["slices"], commit["first"]) == ("acme-york", 31, "2025-03-01")
    (failure,) = [line for line in lines if line["level"] == "warning"]
    assert (failure["account"], failure["slices"]) == ("acme-berlin", 30)
    assert bad.credential not in json.dumps(lines)
    ends = {line["account"]: line for line in lines if "waited_seconds" in line and "account" in line}
    assert (ends["acme-york"]["loaded"], ends["acme-york"]["requests"], ends["acme-york"]["error"]) == (31, 1, None)
    assert "HTTP 401" in str(ends["acme-berlin"]["error"])
    assert (lines[-1]["loaded"], lines[-1]["failed"], lines[-1]["requests"]) == (31, 30, 2)


def test_a_dry_run_as_json(sample_world: SampleWorld, run_command) -> None:
    lines = parse_log(run_command("--log-format", "json", *backfill_arguments("2025-01-01", "2025-12-31", "--dry-run")))
    assert [(line.get("account"), line.get("batches_to_fetch")) for line in lines] == [
        ("acme-berlin", "12"),
        ("acme-york", "12"),
        (None, None),
    ]


def test_wrong_use_as_json(sample_world: SampleWorld, run_command) -> None:
    (line,) = parse_log(run_command("--log-format", "json", "load", "--date", "2025-3"))
    assert line["level"] == "error"
    assert "2025-3" in str(line["event"])
    assert run_command("--log-format", "xml", "load").exit_code == 2


def test_a_named_day_that_is_not_loaded_is_reported(sample_world: SampleWorld, run_command) -> None:
    result = run_command("load", "--date", "2030-01-01")
    assert result.exit_code == 2
    sample_world.overrides = {BERLIN.name: {"start_date": "2025-03-07"}}
    result = run_command("load", "--date", "2025-03-05")
    assert "acme-berlin: begins on 2025-03-07, so nothing is loaded" in result.err
