"""`make cluster-demo`: an object store, PostgreSQL, a scheduler and two workers, compared with one machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgres import find_programs


@pytest.mark.long
@pytest.mark.skipif(
    find_programs() is None, reason="PostgreSQL is not installed (Debian: apt-get install -y postgresql)"
)
def test_the_demo_of_a_cluster_agrees_with_one_machine(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.cluster_demo", "--days", "3", "--folder", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("which one process loaded: 0 rows differ")
    assert done.stderr.count("\nshard ") == 5
