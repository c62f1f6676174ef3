from datetime import date
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import run_chatmart
from tests.support.sample_world import BERLIN, SampleWorld


def test_it_says_what_it_deleted(tmp_path: Path, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    shop = SampleWorld(tmp_path, sandbox, (BERLIN,))  # a year ago, as its clock goes
    for _ in range(2):
        assert shop.backfill(date(2025, 3, 1), date(2025, 3, 9), refetch=True).is_ok
    said = run_chatmart(capsys, "--config", shop.configure(), "maintain")
    assert (said.exit_code, said.out) == (0, "")
    assert "no answer (retention.landing_days is not set, so all are kept)" in said.err
    said = run_chatmart(capsys, "--config", shop.configure(retention={"landing_days": 30}), "maintain")
    assert "1 answers that were replaced more than 30 days ago" in said.err
    assert len(list(shop.open_workspace().landing.root.rglob("*.json"))) == 1
    assert len(shop.read_view("conversation_daily")) == 9
