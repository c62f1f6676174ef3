"""`chatmart status` in its own process: standard output is the report, whatever there is to report."""

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
from sandbox.switches import Switches
from tests.support.product import Product, days_from

FIRST = date(2025, 3, 1)
SUPPORT = next(account for account in DEMO_ACCOUNTS if account.name == "acme-support")
DOCS = next(account for account in DEMO_ACCOUNTS if account.provider == "inkeep")


def product(folder: Path, sandbox: Sandbox) -> Product:
    overrides = {each.name: {"start_date": str(FIRST)} for each in (SUPPORT, DOCS)}
    return Product(folder, sandbox, (SUPPORT, DOCS), overrides)


def told(bot: Product, *arguments: str) -> dict[str, dict[str, Any]]:
    answer = json.loads(bot.run("status", "--json", *arguments).stdout)
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
        found = told(bot)
        assert [each["provider"] for each in found.values()] == ["cognigy", "inkeep"]
        for each in found.values():
            days = each["days"]
            assert datetime.fromisoformat(each["next_run"]) > datetime.now(UTC)
            assert each["last_error"] is None
            assert states(days) == {"missing"}
            assert days[0] == {"date": "2025-03-01", "state": "missing"}
            assert len(days) == (date.fromisoformat(days[-1]["date"]) - FIRST).days + 1
        assert "never" in bot.run("status").stdout
        own = {"hour": 4, "minute": 10, "timezone": "Asia/Tokyo", "providers": {"inkeep": {"minute": 25}}}
        bot.configure(schedule=own)
        at = {each["provider"]: each["next_run"][10:] for each in told(bot).values()}
        assert at == {"cognigy": "T19:10:00.000Z", "inkeep": "T19:25:00.000Z"}
        shown = bot.run("status").stdout
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:10Z \(cognigy\)$", shown, re.MULTILINE)
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:25Z \(inkeep\)$", shown, re.MULTILINE)
        assert not (tmp_path / "data").exists()
        assert sandbox.book.count() == 0


@pytest.mark.e2e
def test_after_a_load_that_failed_in_part(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        bot = product(tmp_path, sandbox)
        assert bot.load(days_from(FIRST, 31)).ok
        sandbox.fail(Fault(path="month=4", status=400, body='{"detail": "no April"}', times=100))
        assert not bot.load(days_from(date(2025, 4, 1), 30)).ok
        found = told(bot)
        assert list(found) == ["acme-support", DOCS.name]
        support = {day["date"]: day["state"] for day in found["acme-support"]["days"]}
        assert {support[str(day)] for day in days_from(FIRST, 31)} == {"settled"}
        assert {support[str(day)] for day in days_from(date(2025, 4, 1), 30)} == {"failed"}
        assert support["2025-05-01"] == "missing"
        assert "no April" in found["acme-support"]["last_error"]
        assert found[DOCS.name]["last_error"] is None
        covered = bot.ask("select date, state from coverage where account = 'acme-support' order by date")
        assert covered == found["acme-support"]["days"]

        shown = bot.run("status")
        assert shown.stderr == ""
        lines = shown.stdout.splitlines()
        assert lines[0].split()[:9] == ["account", "provider", "first", "last", *STATES]
        assert lines[1].split()[:3] == ["acme-support", "cognigy", "2025-03-01"]
        assert lines[1].split()[4:8] == ["31", "0", "0", "30"]
        assert "  failed: 2025-04-01 to 2025-04-30 (30 days)" in lines
        assert any(line.startswith("  missing: 2025-05-01 to ") for line in lines)
        assert any(line.startswith("  last error, ") and "no April" in line for line in lines)
        assert lines.index(f"{DOCS.name} (inkeep)") < lines.index("acme-support (cognigy)"), "the failed one comes last"
        assert lines[-3:] == [
            "0 of 2 accounts have every day that is due",
            f"missing days: acme-support, {DOCS.name}",
            "failed days: acme-support",
        ]
        assert list(told(bot, "--provider", "inkeep")) == [DOCS.name]
        assert list(told(bot, "--account", "acme-support")) == ["acme-support"]
        wrong = bot.run("status", "--account", "nobody", expect=2)
        assert (wrong.stdout, "nobody" in wrong.stderr) == ("", True)


@pytest.mark.e2e
def test_drift_of_all_providers_is_reported_and_changes_no_number(tmp_path: Path) -> None:
    days = days_from(FIRST, 4)
    with Sandbox(switches=Switches(extra_fields=True, scalars="value")) as sandbox:
        bot = Product(tmp_path, sandbox, DEMO_ACCOUNTS)
        assert bot.load(days).ok
        assert bot.differences(days)[1] == []
        sandbox.world.restate("acme-support", days[1], "smaller")
        assert bot.load(days, refetch=True).ok
        found = told(bot)
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
        assert refused == {name for account in DEMO_ACCOUNTS for name in account.refuses}
        assert {line["view"] for line in found["acme-support"]["restatements"]} >= {"conversation_daily"}
        text = bot.run("status", "--account", "acme-support").stdout
        assert "drift in conversation_counter: unknown channel qx-new, on " in text
        assert "restated in the last 7 days: conversation_daily.conversations, 1 number on 1 day\n" in text

        sandbox.switches.extra_fields = False
        assert bot.load(days[:-1], refetch=True).ok
        left = bot.ask("select distinct date from drift where kind like 'unknown %' and name like '%novelty'")
        assert left == [{"date": str(days[-1])}]
