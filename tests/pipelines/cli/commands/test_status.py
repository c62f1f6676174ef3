"""`chatmart status`: standard output is the report, whatever there is to report."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.loads.status import STATES
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from tests.support.installation import Installation, days_from

FIRST = date(2025, 3, 27)
SUPPORT = next(account for account in DEMO_ACCOUNTS if account.name == "acme-support")
FOR_EACH_PROVIDER = tuple({account.provider: account for account in reversed(DEMO_ACCOUNTS)}.values())
DOCS = next(account for account in DEMO_ACCOUNTS if account.provider == "inkeep")


def product(folder: Path, sandbox: Sandbox) -> Installation:
    overrides = {each.name: {"start_date": str(FIRST)} for each in (SUPPORT, DOCS)}
    return Installation(folder, sandbox, (SUPPORT, DOCS), overrides)


def ask_status(bot: Installation, *arguments: str) -> dict[str, dict[str, Any]]:
    answer = json.loads(bot.run("status", "--json", *arguments).out)
    assert list(answer) == ["accounts"]
    for each in answer["accounts"]:
        assert list(each)[:4] == ["account", "provider", "days", "last_error"]
    return {each["account"]: each for each in answer["accounts"]}


def states(days: list[dict[str, str]]) -> set[str]:
    return {day["state"] for day in days}


@pytest.mark.e2e
def test_before_anything_is_loaded(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = product(tmp_path, sandbox)
        found = ask_status(bot)
        assert [each["provider"] for each in found.values()] == ["cognigy", "inkeep"]
        for each in found.values():
            days = each["days"]
            assert datetime.fromisoformat(each["next_run"]) > datetime.now(UTC)
            assert each["last_error"] is None
            assert states(days) == {"missing"}
            assert days[0] == {"date": str(FIRST), "state": "missing"}
            assert len(days) == (date.fromisoformat(days[-1]["date"]) - FIRST).days + 1
        assert "never" in bot.run("status").out
        own = {"hour": 4, "minute": 10, "timezone": "Asia/Tokyo", "providers": {"inkeep": {"minute": 25}}}
        bot.configure(schedule=own)
        at = {each["provider"]: each["next_run"][10:] for each in ask_status(bot).values()}
        assert at == {"cognigy": "T19:10:00.000Z", "inkeep": "T19:25:00.000Z"}
        shown = bot.run("status").out
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:10Z \(cognigy\)$", shown, re.MULTILINE)
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:25Z \(inkeep\)$", shown, re.MULTILINE)
        assert not (tmp_path / "data").exists()
        assert sandbox.request_log.count() == 0


@pytest.mark.e2e
def test_after_a_load_that_failed_in_part(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = product(tmp_path, sandbox)
        assert bot.load(days_from(FIRST, 5)).is_ok
        sandbox.plan_faults(Fault(path="month=4", status=400, body='{"detail": "no April"}', times=100))
        assert not bot.load(days_from(date(2025, 4, 1), 5)).is_ok
        found = ask_status(bot)
        assert list(found) == ["acme-support", DOCS.name]
        support = {day["date"]: day["state"] for day in found["acme-support"]["days"]}
        assert {support[str(day)] for day in days_from(FIRST, 5)} == {"settled"}
        assert {support[str(day)] for day in days_from(date(2025, 4, 1), 5)} == {"failed"}
        assert support["2025-04-06"] == "missing"
        assert "no April" in found["acme-support"]["last_error"]
        assert found[DOCS.name]["last_error"] is None
        query = "select date, state from coverage where account = 'acme-support' order by date"
        assert bot.query(query) == found["acme-support"]["days"]

        shown = bot.run("status")
        assert shown.err == ""
        lines = shown.out.splitlines()
        assert lines[0].split()[:9] == ["account", "provider", "first", "last", *STATES]
        assert lines[1].split()[:3] == ["acme-support", "cognigy", "2025-03-27"]
        assert lines[1].split()[4:8] == ["5", "0", "0", "5"]
        assert "  failed: 2025-04-01 to 2025-04-05 (5 days)" in lines
        assert any(line.startswith("  missing: 2025-04-06 to ") for line in lines)
        assert any(line.startswith("  last error, ") and "no April" in line for line in lines)
        assert lines.index(f"{DOCS.name} (inkeep)") < lines.index("acme-support (cognigy)"), "the failed one comes last"
        assert lines[-3:] == [
            "0 of 2 accounts have every day that is due",
            f"missing days: acme-support, {DOCS.name}",
            "failed days: acme-support",
        ]
        assert list(ask_status(bot, "--provider", "inkeep")) == [DOCS.name]
        assert list(ask_status(bot, "--account", "acme-support")) == ["acme-support"]
        wrong = bot.run("status", "--account", "nobody", exit_code=2)
        assert (wrong.out, "nobody" in wrong.err) == ("", True)


@pytest.mark.e2e
def test_drift_of_all_providers_is_reported_and_changes_no_number(tmp_path: Path) -> None:
    days = days_from(date(2025, 3, 2), 2)
    with Sandbox(shapes=ResponseShapes(extra_fields=True, scalars="value")) as sandbox:
        bot = Installation(tmp_path, sandbox, FOR_EACH_PROVIDER)
        assert bot.load(days).is_ok
        assert bot.compare_with_truth(days)[1] == []
        sandbox.world.restate("acme-support", days[0], "smaller")
        assert bot.load(days, refetch=True).is_ok
        found = ask_status(bot)
        drift = {
            (each["provider"], line["stream"], line["kind"], line["name"]): line["days"]
            for each in found.values()
            for line in each["drift"]
        }
        assert drift["cognigy", "conversation_counter", "unknown field", "items[].novelty"] == len(days)
        assert drift["chatlayer", "messages", "unknown field", "data.novelty"] == len(days)
        assert drift["chatcaptain", "overview_report", "unknown field", "novelty"] == len(days)
        assert drift["chatcaptain", "overview_report", "unknown channel", "qx-new"] <= len(days)
        assert drift["chatcaptain", "export", "unknown column", "agentNotes"] == len(days)
        assert drift["inkeep", "conversations", "unknown field", "data.result[].novelty"] == len(days)
        refused = {name for provider, _, kind, name in drift if (provider, kind) == ("chatdash", "refused metric")}
        assert refused == {name for account in FOR_EACH_PROVIDER for name in account.refused_metrics}
        assert {line["view"] for line in found["acme-support"]["restatements"]} >= {"conversation_daily"}
        text = bot.run("status", "--account", "acme-support").out
        assert "drift in conversation_counter: unknown channel qx-new, on " in text
        assert "restated in the last 7 days: conversation_daily.conversations, 1 number on 1 day\n" in text

        sandbox.shapes.extra_fields = False
        assert bot.load(days[:-1], refetch=True).is_ok
        query = "select distinct date from drift where kind like 'unknown %' and name like '%novelty'"
        assert bot.query(query) == [{"date": str(days[-1])}]
