"""`chatmart status`: its text and JSON before a load, after a failure, and with drift."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.loads.status import STATES
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from tests.support.installation import Installation, days_from

FIRST = date(2025, 3, 27)
SUPPORT = next(account for account in SAMPLE_ACCOUNTS if account.name == "acme-support")
ONE_ACCOUNT_PER_PROVIDER = tuple({account.provider: account for account in reversed(SAMPLE_ACCOUNTS)}.values())
DOCS = next(account for account in SAMPLE_ACCOUNTS if account.provider == "inkeep")


def build_installation(folder: Path, sandbox: Sandbox) -> Installation:
    overrides = {account.name: {"start_date": str(FIRST)} for account in (SUPPORT, DOCS)}
    return Installation(folder, sandbox, (SUPPORT, DOCS), overrides)


def read_status(installation: Installation, *arguments: str) -> dict[str, dict[str, Any]]:
    document = json.loads(installation.run("status", "--json", *arguments).out)
    assert list(document) == ["accounts", "needs_somebody", "unusual_numbers"]
    for status in document["accounts"]:
        assert list(status)[:4] == ["account", "provider", "days", "last_error"]
    return {status["account"]: status for status in document["accounts"]}


def states_of(days: list[dict[str, str]]) -> set[str]:
    return {day["state"] for day in days}


@pytest.mark.e2e
def test_before_the_first_load(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        installation = build_installation(tmp_path, sandbox)
        statuses = read_status(installation)
        assert [status["provider"] for status in statuses.values()] == ["cognigy", "inkeep"]
        for status in statuses.values():
            days = status["days"]
            assert datetime.fromisoformat(status["next_run"]) > datetime.now(UTC)
            assert status["last_error"] is None
            assert states_of(days) == {"missing"}
            assert days[0] == {"date": str(FIRST), "state": "missing"}
            assert len(days) == (date.fromisoformat(days[-1]["date"]) - FIRST).days + 1
        assert "never" in installation.run("status").out
        own = {"hour": 4, "minute": 10, "timezone": "Asia/Tokyo", "providers": {"inkeep": {"minute": 25}}}
        installation.configure(schedule=own)
        at = {status["provider"]: status["next_run"][10:] for status in read_status(installation).values()}
        assert at == {"cognigy": "T19:10:00.000Z", "inkeep": "T19:25:00.000Z"}
        shown = installation.run("status").out
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:10Z \(cognigy\)$", shown, re.MULTILINE)
        assert re.search(r"^next daily load, while Dagster runs: [-0-9]+ 19:25Z \(inkeep\)$", shown, re.MULTILINE)
        assert not (tmp_path / "data").exists()
        assert sandbox.request_log.count() == 0


@pytest.mark.e2e
def test_after_a_partly_failed_load(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        installation = build_installation(tmp_path, sandbox)
        assert installation.load(days_from(FIRST, 5)).is_ok
        sandbox.plan_faults(Fault(path="month=4", status=400, body='{"detail": "no April"}', times=100))
        assert not installation.load(days_from(date(2025, 4, 1), 5)).is_ok
        statuses = read_status(installation)
        assert list(statuses) == ["acme-support", DOCS.name]
        support = {day["date"]: day["state"] for day in statuses["acme-support"]["days"]}
        assert {support[str(day)] for day in days_from(FIRST, 5)} == {"settled"}
        assert {support[str(day)] for day in days_from(date(2025, 4, 1), 5)} == {"failed"}
        assert support["2025-04-06"] == "missing"
        assert "no April" in statuses["acme-support"]["last_error"]
        assert statuses[DOCS.name]["last_error"] is None
        query = "select date, state from coverage where account = 'acme-support' order by date"
        assert installation.query(query) == statuses["acme-support"]["days"]

        shown = installation.run("status")
        assert shown.err == ""
        banner, table = shown.out.split("\n\n")[:2]
        assert banner.splitlines()[0] == "2 accounts need somebody."
        assert banner.splitlines()[1].startswith(
            "  acme-support: 5 days failed (2025-04-01 to 2025-04-05), last in the "
        )
        assert "no April" in banner
        assert f"  {DOCS.name}: no day after 2025-04-05 is loaded, and no load has failed. " in banner
        assert f"backfill --account {DOCS.name} --from 2025-04-06 --to " in banner
        document = json.loads(installation.run("status", "--json").out)
        assert document["needs_somebody"][0]["accounts"] == ["acme-support"]
        lines = table.splitlines() + shown.out.splitlines()
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
        assert list(read_status(installation, "--provider", "inkeep")) == [DOCS.name]
        assert list(read_status(installation, "--account", "acme-support")) == ["acme-support"]
        wrong = installation.run("status", "--account", "nobody", exit_code=2)
        assert (wrong.out, "nobody" in wrong.err) == ("", True)


@pytest.mark.e2e
def test_drift_of_all_providers_is_reported_and_changes_no_number(tmp_path: Path) -> None:
    days = days_from(date(2025, 3, 2), 2)
    with Sandbox(shapes=ResponseShapes(extra_fields=True, scalars="value")) as sandbox:
        installation = Installation(tmp_path, sandbox, ONE_ACCOUNT_PER_PROVIDER)
        assert installation.load(days).is_ok
        assert installation.compare_with_truth(days)[1] == []
        sandbox.world.restate("acme-support", days[0], "smaller")
        assert installation.load(days, refetch=True).is_ok
        statuses = read_status(installation)
        drift = {
            (status["provider"], line["stream"], line["kind"], line["name"]): line["days"]
            for status in statuses.values()
            for line in status["drift"]
        }
        assert drift["cognigy", "conversation_counter", "unknown field", "items[].novelty"] == len(days)
        assert drift["chatlayer", "messages", "unknown field", "data.novelty"] == len(days)
        assert drift["chatcaptain", "overview_report", "unknown field", "novelty"] == len(days)
        assert drift["chatcaptain", "overview_report", "unknown channel", "qx-new"] <= len(days)
        assert drift["chatcaptain", "export", "unknown column", "agentNotes"] == len(days)
        assert drift["inkeep", "conversations", "unknown field", "data.result[].novelty"] == len(days)
        refused = {name for provider, _, kind, name in drift if (provider, kind) == ("chatdash", "refused metric")}
        assert refused == {name for account in ONE_ACCOUNT_PER_PROVIDER for name in account.refused_metrics}
        assert {line["view"] for line in statuses["acme-support"]["restatements"]} >= {"conversation_daily"}
        text = installation.run("status", "--account", "acme-support").out
        assert "drift in conversation_counter: unknown channel qx-new, on " in text
        assert "restated in the last 7 days: conversation_daily.conversations, 1 number on 1 day\n" in text

        sandbox.shapes.extra_fields = False
        assert installation.load(days[:-1], refetch=True).is_ok
        query = "select distinct date from drift where kind like 'unknown %' and name like '%novelty'"
        assert installation.query(query) == [{"date": str(days[-1])}]
