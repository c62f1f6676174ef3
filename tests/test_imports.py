"""The direction of imports, read from the sources, and what importing the packages brings along."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("pipelines", "extractors", "transforms", "warehouse", "sandbox")
LOADS = {"pipelines.configuration", "pipelines.loads"}
MAY_IMPORT = {
    "pipelines": {"pipelines", "extractors", "transforms", "warehouse"},
    "pipelines.configuration": {"pipelines.configuration", "extractors", "warehouse.generated"},
    "pipelines.loads": LOADS | {"extractors", "transforms", "warehouse"},
    "pipelines.orchestration": LOADS | {"pipelines.orchestration", "extractors", "warehouse"},
    "pipelines.report": LOADS | {"pipelines.report", "extractors", "warehouse"},
    "pipelines.cli": {"pipelines", "extractors", "transforms", "warehouse", "sandbox"},
    "transforms": {"transforms", "extractors", "warehouse.schema", "warehouse.commits"},
    "extractors": {"extractors"},
    "warehouse": {"warehouse"},
    "sandbox": {"sandbox"},
}
"""The sandbox is an independent reading of the vendors' contracts: it shares nothing with the loader."""

ORCHESTRATED = {"pipelines.orchestration", "pipelines"}
"""Who may import dagster; ``pipelines`` itself is ``pipelines.definitions``."""

MODULES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions; ``from a import b`` is both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    part = ".".join(parts[:2])
    return part if part in MAY_IMPORT else parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    allowed = MAY_IMPORT[package_of(path)]
    for name in imported(path):
        if name.split(".")[0] in OURS:
            assert any(name == one or name.startswith(f"{one}.") for one in allowed), f"{path.name} imports {name}"
        elif name.split(".")[0].startswith("dagster"):
            assert package_of(path) in ORCHESTRATED, f"{path.name} imports {name}"


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def every_module_of(*packages: str) -> str:
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    wanted = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    return f"import {', '.join(wanted)}"


def test_the_packages_do_not_bring_the_orchestrator() -> None:
    assert not loaded_by("import extractors, transforms, warehouse") & {"dagster", "pandas"}
    loaded = loaded_by(every_module_of("extractors", "transforms", "warehouse"))
    assert "transforms.cognigy" in loaded
    assert not {name for name in loaded if name.split(".")[0].startswith("dagster")}


def test_the_sandbox_brings_nothing_of_the_loader() -> None:
    loaded = loaded_by(every_module_of("sandbox"))
    assert not {name.split(".")[0] for name in loaded} & {
        "dagster",
        "extractors",
        "transforms",
        "warehouse",
        "pipelines",
    }


def test_the_command_and_its_help_start_light() -> None:
    runner = "from click.testing import CliRunner\nfrom pipelines.cli.main import cli\n"
    loaded = loaded_by(runner + "assert 'backfill' in CliRunner().invoke(cli, ['--help']).output")
    assert not loaded & {"dagster", "pandas", "pyarrow", "duckdb", "httpx", "uvicorn"}


def test_only_the_report_brings_what_draws_it() -> None:
    assert not loaded_by("import pipelines.cli.loads") & {"vl_convert", "pipelines.report"}
    assert "vl_convert" not in loaded_by("import pipelines.cli.report")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"
