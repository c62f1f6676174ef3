"""The help of installed programs, read in the test's own process: each start of Dagster's takes four seconds."""

import io
import sys
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from unittest import mock

import pytest


@cache
def read_help(program: str, *words: str) -> str:
    """Read what `program words… --help` prints; the program must be installed and know these words."""
    assert Path(sys.executable).with_name(program).is_file()
    (script,) = entry_points(group="console_scripts", name=program)
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", [program, *words, "--help"]),
        redirect_stdout(printed),
        pytest.raises(SystemExit) as left,
    ):
        script.load()()
    assert left.value.code in (0, None), f"{program} {words}: exit {left.value.code}"
    return printed.getvalue()
