from datetime import date
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import run_chatmart
from tests.support.sample_world import BERLIN, SampleWorld


def test_it_prints_what_it_deleted(tmp_path: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    world = SampleWorld(tmp_path, sandbox, (BERLIN,))  # its clock is a year ahead of these days
    for _ in range(2):
        assert world.backfill(date(2025, 3, 1), date(2025, 3, 9), refetch=True).is_ok
    result = run_chatmart(capsys, "--config", world.configure(), "maintain")
    assert (result.exit_code, result.out) == (0, "")
    assert "no response (retention.landing_days is not set, so all are kept)" in result.err
    result = run_chatmart(capsys, "--config", world.configure(retention={"landing_days": 30}), "maintain")
    assert "1 responses that were replaced more than 30 days ago" in result.err
    assert len(world.open_workspace().landing.list_batches("cognigy", BERLIN.name, "conversation_counter")) == 1
    assert len(world.read_view("conversation_daily")) == 9
