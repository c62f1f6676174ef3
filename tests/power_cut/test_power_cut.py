"""Power cuts at some places of a back-fill and its publication. More of them: `python -m tests.power_cut`."""

from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.power_cut.run import build_states, choose_cuts, run_state
from tests.power_cut.trace import explain_missing_recorder
from tests.power_cut.workload import STORES, record_workload

CUTS, SEED = 12, 4


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("store", STORES)
def test_a_power_cut_leaves_whole_commits_and_all_that_they_rest_on(tmp_path: Path, store: str) -> None:
    if problem := explain_missing_recorder():
        pytest.skip(problem)
    folder = tmp_path / "recorded"
    folder.mkdir()
    with Sandbox() as sandbox:
        recording = record_workload(folder, sandbox, store)
        for state in build_states(recording, choose_cuts(recording, CUTS, SEED), SEED):
            outcome = run_state(state, tmp_path / str(state.cut.number), sandbox, store, recording)
            assert outcome.faults == [], state.cut
