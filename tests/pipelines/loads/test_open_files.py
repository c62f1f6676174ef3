"""The limit of open files grows with the number of accounts, and never beyond the hard limit."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource
from pipelines.loads.open_files import allow_open_files
allow_open_files({accounts})
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [(1, "300 5000"), (100, "1456 5000"), (1000, "5000 5000")],
    ids=["few", "many", "too many"],
)
def test_the_soft_limit_is_raised_as_far_as_needed_and_allowed(accounts: int, expected: str) -> None:
    program = [sys.executable, "-c", SCRIPT.format(accounts=accounts)]
    shell = ["bash", "-c", 'ulimit -Sn 300; ulimit -Hn 5000; exec "$@"', "bash", *program]
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout.strip() == expected
