"""A machine of a cluster is cut off and comes back: its work is done by the other one, and its own is refused."""

from pathlib import Path

import pytest

from tests.support.network_machines import run_on_hub

pytestmark = pytest.mark.long

PROGRAM = "tests.support.cut_cables"


def test_a_cable_is_cut_in_mid_load_and_mended_afterwards(tmp_path: Path) -> None:
    facts = run_on_hub(PROGRAM, str(tmp_path), timeout_seconds=1200)
    for seen in (facts["load"], facts["afterwards"]):
        assert seen["differences"] == {}
        assert seen["exports"] == seen["exports_alone"] > 0
        assert seen["more_requests"] < 40, "only what was under way is requested again"
    assert facts["load"]["exit"] == 0, facts["load"]["err"]
    assert "tcp://10.77.0.12:" in facts["load"]["err"]


@pytest.mark.parametrize(
    ("point", "refusal"),
    [
        ("lake", "was lost while this run held locks in it: nothing was written"),
        ("log", "another writer changed the same accounts meanwhile, so nothing was written"),
    ],
)
def test_a_machine_that_comes_back_to_its_first_commit_is_refused(tmp_path: Path, point: str, refusal: str) -> None:
    facts = run_on_hub(PROGRAM, str(tmp_path), point, timeout_seconds=1200)
    assert facts["load"]["exit"] == 0, facts["load"]["err"]
    assert facts["outcome"].startswith("WarehouseBusy: ")
    assert refusal in facts["outcome"]
    assert facts["new_objects"] == [], "neither an entry of the log nor a file is left"
    for seen in (facts["load"], facts["afterwards"]):
        assert seen["differences"] == {}
        assert seen["exports"] == seen["exports_alone"] > 0
        assert seen["more_requests"] < 40, "only what was under way is requested again"
