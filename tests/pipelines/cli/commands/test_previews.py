"""Previews: `replay --dry-run`, which writes nothing, and the plan and the preview of `load --dry-run`."""

import json
from datetime import date
from pathlib import Path

import pytest

from extractors.landing.lock import hold_lock_now
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.broken_transform import break_transform
from tests.support.sample_world import SampleWorld, loaded_conversations
from transforms import conform

FIRST, LAST = date(2025, 3, 30), date(2025, 4, 2)


def read_states(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the instant of the last change and the size of every file and folder."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


def without_locks(states: dict[Path, tuple[int, int]]) -> dict[Path, tuple[int, int]]:
    """Return the states of all files but the locks, which a fetch holds, and the folders of the locks."""
    return {path: state for path, state in states.items() if path.is_file() and not path.name.startswith(".fetch")}


@pytest.fixture
def loaded_world(sample_world: SampleWorld) -> SampleWorld:
    assert sample_world.backfill(FIRST, LAST).is_ok
    sample_world.take_requests()
    return sample_world


def test_a_preview_of_a_replay_names_what_the_replay_then_changes(
    loaded_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded_world.configure()
    before = read_states(tmp_path / "data")
    same = run_command("replay", "--dry-run")
    assert (same.exit_code, same.out) == (0, "No number would change: 8 days compared, nothing was written.\n")
    codes = loaded_world.read_view("channel_daily", "account = 'acme-berlin'")
    sums = {
        channel: sum(row["conversations"] for row in codes if row["channel"] == channel) for channel in ("webchat",)
    }
    renamed = {
        code: conform.ConformedChannel("site", "web", is_test=False) if name.channel == "webchat" else name
        for code, name in conform._channels().items()
    }
    monkeypatch.setattr(conform, "_channels", lambda: renamed)
    text = run_command("replay", "--dry-run", "--account", "acme-berlin").out
    assert "Sums by the names of members that would change:" in text
    assert max(map(len, text.splitlines())) <= 100
    document = json.loads(run_command("replay", "--dry-run", "--json", "--from", str(FIRST)).out)
    assert (document["compared_days"], document["failures"]) == (8, [])
    moves = {
        (item["view"], item["measure"], item["member"]): (item["old"], item["new"])
        for item in document["changes"]
        if item["account"] == "acme-berlin" and item["attribute"] == "channel"
    }
    assert moves["channel_daily", "conversations", "site"] == (None, sums["webchat"])
    assert moves["channel_daily", "conversations", "webchat"] == (sums["webchat"], None)
    assert read_states(tmp_path / "data") == before
    assert loaded_world.take_requests() == []

    assert run_command("replay").exit_code == 0
    assert run_command("replay", "--dry-run").out.startswith("No number would change: ")


def test_a_preview_names_days_that_a_replay_would_leave_as_they_are(
    loaded_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded_world.configure()
    before = read_states(tmp_path / "data")
    break_transform(monkeypatch, LAST, KeyError("surprise"))
    result = run_command("replay", "--dry-run", "--json", "--account", "acme-york")
    assert result.exit_code == 1
    document = json.loads(result.out)
    assert (document["compared_days"], document["changes"]) == (3, [])
    [failure] = document["failures"]
    assert (failure["account"], failure["days"]) == ("acme-york", [str(LAST)])
    assert "not compared: 2025-04-02: acme-york (cognigy" in result.err
    assert read_states(tmp_path / "data") == before
    assert run_command("replay", "--json").exit_code == 2


def test_a_plan_of_a_load_sends_no_request(sample_world: SampleWorld, run_command, tmp_path: Path) -> None:
    sample_world.configure()
    plan = run_command("load", "--date", str(LAST), "--dry-run")
    assert plan.exit_code == 0
    assert [line.split()[:5] for line in plan.err.splitlines()[1:3]] == [
        ["acme-berlin", "cognigy", "4", str(FIRST), str(LAST)],
        ["acme-york", "cognigy", "4", str(FIRST), str(LAST)],
    ]
    assert "No request was sent, nothing was written." in plan.err
    assert sample_world.take_requests() == []
    assert not (tmp_path / "data/landing").exists()
    for wrong in (["--fetch"], ["--dry-run", "--json"]):
        assert run_command("load", *wrong).exit_code == 2


def test_a_preview_of_a_load_requests_its_days_and_keeps_nothing(
    loaded_world: SampleWorld, sandbox: Sandbox, run_command, tmp_path: Path
) -> None:
    command = ("backfill", "--from", FIRST, "--to", LAST, "--refetch", "--account", "acme-berlin")
    loaded_world.configure()
    old = loaded_conversations(loaded_world)
    before = read_states(tmp_path / "data")
    assert run_command(*command, "--dry-run", "--fetch").out == (
        "No number would change: 4 days compared, nothing was written.\n"
    )
    assert loaded_world.take_requests()

    sandbox.world.restate("acme-berlin", LAST, "smaller")
    preview = run_command(*command, "--dry-run", "--fetch", "--json")
    assert preview.exit_code == 0
    changes = json.loads(preview.out)["changes"]
    [total] = [item for item in changes if item["is_total"] and item["view"] == "conversation_daily"]
    assert (total["first"], total["last"], total["old"]) == (str(LAST), str(LAST), old[LAST])
    assert without_locks(read_states(tmp_path / "data")) == without_locks(before)
    assert loaded_conversations(loaded_world) == old

    assert run_command(*command).exit_code == 0
    assert loaded_conversations(loaded_world)[LAST] == total["new"] < old[LAST]
    assert run_command(*command, "--dry-run", "--fetch").out.startswith("No number would change: ")


def test_a_preview_names_accounts_that_cannot_be_fetched(
    loaded_world: SampleWorld, sandbox: Sandbox, run_command
) -> None:
    sandbox.plan_faults(Fault(path="month=4", status=400, body='{"detail": "no April"}', times=100))
    result = run_command("load", "--date", LAST, "--dry-run", "--fetch", "--account", "acme-york")
    assert result.exit_code == 1
    assert result.out == "No number would change: 2 days compared, nothing was written.\n"
    assert "not compared: 2025-04-01 to 2025-04-02: acme-york (cognigy" in result.err
    workspace = loaded_world.open_workspace()
    account = next(account for account in workspace.config.accounts if account.name == "acme-york")
    with hold_lock_now(workspace.landing, account):
        busy = run_command("load", "--date", LAST, "--dry-run", "--fetch", "--account", "acme-york")
    assert (busy.exit_code, busy.out) == (1, "No day could be compared, nothing was written.\n")
    assert "is fetching this account; run the same command again when it has ended" in busy.err
