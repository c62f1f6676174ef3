"""Read the help of installed programs in the test's own process: starting Dagster's program takes four seconds."""

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
    """Return the text of `program words… --help`. Fails when the program is not installed or exits with an error."""
    assert Path(sys.executable).with_name(program).is_file()
    (script,) = entry_points(group="console_scripts", name=program)
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", [program, *words, "--help"]),
        redirect_stdout(printed),
        pytest.raises(SystemExit) as exit_info,
    ):
        script.load()()
    assert exit_info.value.code in (0, None), f"{program} {words}: exit {exit_info.value.code}"
    return printed.getvalue()
