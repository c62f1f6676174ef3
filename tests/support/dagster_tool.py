"""Dagster's own commands in processes of their own, on a home with this project's settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines.orchestration.instance.home import SETTINGS_PATH
from tests.support.installation import Installation

REPOSITORY = Path(__file__).parents[2]


def start_dagster_tool(installation: Installation, *command: str, **options: Any) -> subprocess.Popen[str]:
    """Start ``dagster``, ``dg`` or another of its tools; ``options`` are those of ``Popen``."""
    home = installation.folder / "home"
    home.mkdir(exist_ok=True)
    shutil.copyfile(SETTINGS_PATH, home / "dagster.yaml")
    environment = {
        **installation.environment,
        "DAGSTER_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    tool, *arguments = command
    program = Path(sys.executable).with_name(tool)
    return subprocess.Popen([program, *arguments], cwd=REPOSITORY, env=environment, text=True, **options)


def run_dagster_tool(installation: Installation, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of Dagster's tools to its end."""
    with start_dagster_tool(installation, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
