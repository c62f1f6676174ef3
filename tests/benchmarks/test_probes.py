"""The probes find nothing wrong: where other pipelines lose or double numbers, this one does not."""

from pathlib import Path

import pytest

from benchmarks.probes import PROBES, Probe


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.run.__name__)
def test_nothing_is_lost_or_doubled(probe: Probe, tmp_path: Path) -> None:
    finding = probe.run(tmp_path)
    assert finding.is_right, finding.text
