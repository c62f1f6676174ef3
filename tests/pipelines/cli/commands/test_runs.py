"""`chatmart runs`: the history as text and JSON, one run by its id, wrong ids."""

import json
from dataclasses import replace

from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld


def test_the_history_before_and_after_runs(sample_world: SampleWorld, sandbox: Sandbox, run_command) -> None:
    nothing = run_command("runs")
    assert (nothing.exit_code, nothing.out.startswith("no run is recorded yet: ")) == (0, True)
    assert json.loads(run_command("runs", "--json").out) == {"runs": []}
    assert run_command("runs", "last").exit_code == 2

    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    assert run_command("backfill", "--from", "2025-04-01", "--to", "2025-04-02").exit_code == 1
    lines = run_command("runs").out.splitlines()
    assert lines[0].startswith("last run: backfill, ")
    assert "failed for 1 of 2 accounts: 2 of 4 days loaded in " in lines[0]
    assert [line.split()[3] for line in lines[2:]] == ["backfill", "load"]
    assert "1 of 2 failed" in lines[2]
    assert max(map(len, lines)) <= 100

    runs = json.loads(run_command("runs", "--json", "--limit", "5").out)["runs"]
    assert [(run["command"], run["result"], run["loaded"], run["failed"]) for run in runs] == [
        ("backfill", "partly failed", 2, 2),
        ("load", "loaded", 8, 0),
    ]
    text = run_command("runs", "last").out.splitlines()
    assert text[0].startswith(f"run {runs[0]['run_id']}: backfill, ")
    assert [line.split()[:3] for line in text[2:4]] == [
        ["acme-berlin", "cognigy", "failed"],
        ["acme-york", "cognigy", "loaded"],
    ]
    assert text[-1].startswith("acme-berlin (cognigy")
    part = json.loads(run_command("runs", runs[1]["run_id"][:12], "--json", "--account", "acme-york").out)
    assert (part["run"]["accounts"], part["run"]["loaded"]) == (1, 4)
    [row] = part["accounts"]
    assert (row["account"], row["requests"] >= 1, row["bytes"] > 0, row["error"]) == ("acme-york", True, True, None)

    wrong = run_command("runs", "no-such-run")
    assert (wrong.exit_code, wrong.out) == (2, "")
    assert "no run has an id that begins with 'no-such-run': `chatmart runs` lists them" in wrong.err
    assert "several runs" in run_command("runs", "").err
    assert sandbox.requests


def test_a_run_that_was_killed_has_not_ended(sample_world: SampleWorld, sandbox: Sandbox, run_command) -> None:
    sandbox.plan_faults(Fault(path="month=3", status=500, times=100))
    assert run_command("load", "--date", "2025-03-05", "--account", "acme-york").exit_code == 1
    store = sample_world.open_workspace().store
    [row] = store.run_records(store.read("SELECT run_id FROM load_run").to_pylist()[0]["run_id"])
    store.record_run([replace(row, ended_at=None, error=None)])
    store.publish()
    assert run_command("runs").out.splitlines()[0].endswith("0 of 4 days loaded so far; it is running, or was killed")
