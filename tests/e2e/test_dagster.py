"""Dagster's own commands in real processes, on a configuration for the sandbox."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.product import Product, days_from

REPOSITORY = Path(__file__).parents[2]
COGNIGY = tuple(account for account in DEMO_ACCOUNTS if account.provider == "cognigy")


def dagster(product: Product, *command: str) -> subprocess.CompletedProcess[str]:
    home = product.folder / "home"
    home.mkdir(exist_ok=True)
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    environment = {
        **product.environment,
        "DAGSTER_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    tool, *arguments = command
    program = Path(sys.executable).with_name(tool)
    return subprocess.run(
        [program, *arguments], cwd=REPOSITORY, env=environment, text=True, capture_output=True, check=False
    )


@pytest.mark.e2e
def test_a_partition_range_launched_from_the_command_line_equals_the_truth(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Product(tmp_path, sandbox, COGNIGY)
        days = days_from(date(2025, 3, 1), 31)
        selection = 'key:"cognigy/landing" or key:"cognigy/slices"'
        launched = dagster(
            product, "dg", "launch", "--assets", selection, "--partition-range", f"{days[0]}...{days[-1]}"
        )
        assert launched.returncode == 0, launched.stdout + launched.stderr
        assert sandbox.book.count(provider="cognigy") == len(COGNIGY)
        compared, lines = product.differences(days)
    assert lines == []
    assert compared > 300


@pytest.mark.e2e
def test_the_definitions_are_valid_for_dagsters_tools(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Product(tmp_path, sandbox, DEMO_ACCOUNTS)
        checked = dagster(product, "dg", "check", "defs")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        listed = dagster(product, "dg", "list", "defs", "--json")
        for name in ("cognigy/landing", "inkeep/slices", "star/fact_channel_daily", "star/published"):
            assert json.dumps(name) in listed.stdout
        assert sandbox.requests == []
