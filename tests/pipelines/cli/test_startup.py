"""The libraries that a command imports, counted without a clock: start-up stays quick as long as these sets hold."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import click
import pytest

from extractors.registry import PROVIDERS, get_account_model, get_provider
from pipelines.cli.main import cli
from pipelines.configuration.init_file import required_ids
from pipelines.configuration.schema_file import read_required_ids
from tests.support.sample_world import SampleWorld

COMMANDS = cli.list_commands(click.Context(cli))

PROGRAM = """
import json, sys
from pipelines.cli.main import main

def list_libraries():
    specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
    origins = {name: str(getattr(spec, "origin", "")) for name, spec in specs.items()}
    return {name.partition(".")[0] for name, origin in origins.items() if "site-packages" in origin}

before = list_libraries() - {"click"}
sys.argv = ["chatmart", *json.loads(sys.argv[1])]
try:
    main()
finally:
    sys.stdout.flush()
    print("\\n" + json.dumps(sorted(list_libraries() - before)))
"""

NEVER = {"dagster", "jinja2", "jsonschema", "pandas", "prompt_toolkit", "sqlglot", "starlette", "uvicorn"}
"""Libraries that no load and no query needs."""

ONLY_FOR_LOADS = {"anyio", "filelock", "h11", "httpcore", "numpy", "sqlalchemy", "structlog", "tenacity"}


def list_imported_libraries(*arguments: str, environment: Mapping[str, str] | None = None) -> set[str]:
    """The libraries of others that the program imports with these arguments, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(arguments)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_click_alone(arguments: list[str]) -> None:
    assert list_imported_libraries(*arguments) == {"click"}


@pytest.mark.parametrize(
    ("words", "libraries"),
    [("chatmart st", {"click"}), ("chatmart load --prov", {"click"}), ("chatmart load --account ", {"click", "yaml"})],
)
def test_completion_imports_no_more_than_it_reads(sample_world: SampleWorld, words: str, libraries: set[str]) -> None:
    environment = {
        "CHATMART_CONFIG": str(sample_world.configure()),
        "_CHATMART_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    assert list_imported_libraries(environment=environment) == libraries


def test_a_query_and_the_status_import_neither_the_star_nor_a_client(sample_world: SampleWorld) -> None:
    config = ["--config", str(sample_world.configure())]
    loaded = list_imported_libraries(*config, "load")
    assert not loaded & NEVER
    assert {"duckdb", "pyarrow", "sqlalchemy"} <= loaded
    for arguments in (["status"], ["status", "--json"], ["sql", "select 1"]):
        libraries = list_imported_libraries(*config, *arguments)
        assert not libraries & (NEVER | ONLY_FOR_LOADS), arguments
        assert {"duckdb", "pyarrow"} <= libraries


def test_the_workspace_of_a_query_imports_neither_the_landing_zone_nor_the_star(sample_world: SampleWorld) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom pipelines.cli.steps.open_workspace import open_workspace\n"
        "workspace = open_workspace(sys.argv[1], 'sql')\n"
        "slow = {'extractors.landing.zone', 'sqlite3', 'warehouse.model.schema'}\n"
        "assert not slow & sys.modules.keys()\n"
        "assert workspace.landing is workspace.landing\nassert 'extractors.landing.zone' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(sample_world.configure())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_caller_in_python_keeps_numpy_and_pandas() -> None:
    script = (
        "import contextlib\nfrom pipelines.cli.main import main\n"
        "with contextlib.suppress(SystemExit):\n    main(['completion', 'bash'])\n"
        "import pyarrow\nprint(len(pyarrow.array([1, 2]).to_pandas()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "2"


def test_the_names_without_the_models_are_those_of_the_models() -> None:
    models = {name: get_account_model(name) for name in PROVIDERS}
    assert read_required_ids() == {name: required_ids(model) for name, model in models.items()}
    assert models == {name: get_provider(name).account for name in PROVIDERS}
    assert [model.PROVIDER for model in models.values()] == list(PROVIDERS)
    with pytest.raises(KeyError):
        get_account_model("nobody")
