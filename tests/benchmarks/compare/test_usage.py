"""The measured process tree, and the counts of `perf`."""

import sys
from pathlib import Path

import pytest

from benchmarks.compare.usage import Usage, list_tree, measure, parse_instructions, parse_simulated_instructions

SLEEPING_CHILD = """
import subprocess, sys, threading
start = lambda: subprocess.run([sys.executable, "-c", "bytearray(64 * 2**20); import time; time.sleep(0.3)"])
thread = threading.Thread(target=start)
thread.start()
thread.join()
"""


def test_children_of_threads_belong_to_the_tree(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", SLEEPING_CHILD], {}, tmp_path)
    assert usage.cpu_seconds > 0
    assert usage.wall_seconds > 0.3
    assert usage.peak_megabytes > 10  # both interpreters at least


def test_a_command_that_fails_is_named_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno such thing"):
        measure([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"], {}, tmp_path)


def test_the_python_path_of_the_caller_is_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    measure([sys.executable, "-c", "import os; print(os.environ.get('PYTHONPATH'))"], {}, tmp_path)
    assert (tmp_path / "output.txt").read_text() == "None\n"


def test_the_tree_of_a_process_that_has_ended() -> None:
    assert list_tree(2**22 + 1) == [2**22 + 1]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("# started\n\n123456,,instructions:u,1000,100.00,,\n", 123456),
        ("<not supported>,,instructions:u,0,100.00,,\n", None),
        ("", None),
    ],
)
def test_instructions_are_read_where_they_are_counted(text: str, count: float | None) -> None:
    assert parse_instructions(text) == count


def test_values_that_were_not_measured_are_absent() -> None:
    assert set(Usage(1, 2, 3).as_values()) == {"cpu_seconds", "wall_seconds", "peak_megabytes"}
    assert Usage(1, 2, 3, 4).as_values()["instructions"] == 4


def test_simulated_instructions_are_those_of_the_last_process() -> None:
    assert parse_simulated_instructions("rows\n==1== \n==1== I   refs:      91,372,875\n") == 91372875
    assert parse_simulated_instructions("rows\n") is None
