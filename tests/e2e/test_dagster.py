"""Dagster's own commands in real processes, on a configuration for the sandbox."""

import json
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.dagster_tool import REPOSITORY, run_dagster_tool
from tests.support.installation import CHATMART, Installation, days_from
from tests.support.wait_until import TIMEOUT_SECONDS, wait_until

COGNIGY = tuple(account for account in SAMPLE_ACCOUNTS if account.provider == "cognigy")


@pytest.mark.e2e
@pytest.mark.long
def test_a_partition_range_launched_from_the_command_line_equals_the_truth(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, COGNIGY)
        days = days_from(date(2025, 3, 1), 31)
        selection = 'key:"cognigy/landing" or key:"cognigy/slices"'
        launched = run_dagster_tool(
            product, "dg", "launch", "--assets", selection, "--partition-range", f"{days[0]}...{days[-1]}"
        )
        assert launched.returncode == 0, launched.stdout + launched.stderr
        assert sandbox.request_log.count(provider="cognigy") == len(COGNIGY)
        compared, lines = product.compare_with_truth(days)
    assert lines == []
    assert compared > 300


@pytest.mark.e2e
@pytest.mark.long
def test_the_definitions_are_valid_for_dagsters_tools(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, SAMPLE_ACCOUNTS)
        checked = run_dagster_tool(product, "dg", "check", "defs")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        listed = run_dagster_tool(product, "dg", "list", "defs", "--json")
        for name in ("cognigy/landing", "inkeep/slices", "star/published", "marts/conversation_monthly"):
            assert json.dumps(name) in listed.stdout
        assert sandbox.requests == []


@pytest.mark.e2e
@pytest.mark.long
def test_days_loaded_by_the_command_are_in_dagster_and_a_broken_instance_changes_nothing(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, COGNIGY)
        assert run_dagster_tool(product, "dagster", "instance", "migrate").returncode == 0
        home = product.folder / "home"
        days = days_from(date(2025, 3, 1), 31)
        loaded = run_with_home(product, home, "backfill", "--from", str(days[0]), "--to", str(days[-1]))
        assert (loaded.returncode, loaded.stdout) == (0, ""), loaded.stderr
        listed = list_materialized_partitions(product, "cognigy/slices")
        assert listed == {str(day) for day in days}
        shutil.rmtree(home / "history" / "runs")
        (home / "history" / "runs").write_text("not a folder")
        again = run_with_home(product, home, "backfill", "--from", "2025-04-01", "--to", "2025-04-01")
        assert (again.returncode, again.stdout) == (0, ""), again.stderr


def run_with_home(installation: Installation, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**installation.environment, "DAGSTER_HOME": str(home)}
    return subprocess.run([CHATMART, *arguments], env=environment, text=True, capture_output=True, check=False)


def list_materialized_partitions(installation: Installation, asset: str) -> set[str]:
    """Read the loaded partitions of an asset from the instance, in a process of its own."""
    program = (
        "import dagster as dg, sys\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    print(*instance.get_materialized_partitions(dg.AssetKey(sys.argv[1].split('/'))))\n"
    )
    environment = {**installation.environment, "DAGSTER_HOME": str(installation.folder / "home")}
    command = [sys.executable, "-c", program, asset]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    return set(done.stdout.split())


@pytest.mark.e2e
@pytest.mark.long
def test_dev_serves_and_ends_on_a_signal_also_in_the_background_of_a_script(tmp_path: Path) -> None:
    with Sandbox() as sandbox, (tmp_path / "output.txt").open("wb") as output:
        product = Installation(tmp_path, sandbox, COGNIGY)
        environment = {name: value for name, value in product.environment.items() if name != "DAGSTER_HOME"}
        dev = subprocess.Popen(
            [CHATMART, "dev", "--host", "127.0.0.1", "--port", "0"],
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell does for `&`
        )
        try:
            wait_until(lambda: "Serving dagster-webserver" in (tmp_path / "output.txt").read_text())
            dev.terminate()
            dev.wait(TIMEOUT_SECONDS)
        finally:
            dev.kill()
        assert "Traceback" not in (tmp_path / "output.txt").read_text()
        assert "Warning" not in (tmp_path / "output.txt").read_text()
        assert sandbox.requests == []


@pytest.mark.e2e
@pytest.mark.long
def test_an_own_asset_is_scaffolded_beside_ours(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "pipelines", checkout / "pipelines")
    for name in ("pyproject.toml", "chatmart", "extractors", "transforms", "warehouse"):
        (checkout / name).symlink_to(REPOSITORY / name)
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, COGNIGY)
        environment = {**product.environment, "PYTHONPATH": str(checkout), "VIRTUAL_ENV": sys.prefix}

        def run_dg(*arguments: str) -> str:
            command = [Path(sys.executable).with_name("dg"), *arguments]
            done = subprocess.run(command, cwd=checkout, env=environment, text=True, capture_output=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run_dg("scaffold", "defs", "dagster.asset", "own.py")
        listed = run_dg("list", "defs", "--json")
    for name in ("own", "cognigy/slices"):
        assert json.dumps(name) in listed
