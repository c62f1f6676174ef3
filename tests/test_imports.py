"""The direction of imports, read from the sources, and what importing the packages brings along."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("pipelines", "extractors", "transforms", "warehouse", "sandbox")
LOADS = {"pipelines.configuration", "pipelines.loads"}
MAY_IMPORT = {
    "pipelines": {"pipelines", "extractors", "transforms", "warehouse"},
    "pipelines.configuration": {"pipelines.configuration", "extractors"},
    "pipelines.loads": LOADS | {"extractors", "transforms", "warehouse"},
    "pipelines.orchestration": LOADS | {"pipelines.orchestration", "extractors", "warehouse"},
    "pipelines.report": LOADS | {"pipelines.report", "extractors", "warehouse"},
    "pipelines.cli": {"pipelines", "extractors", "transforms", "warehouse", "sandbox"},
    "transforms": {"transforms", "extractors", "warehouse.model", "warehouse.records"},
    "extractors": {"extractors"},
    "warehouse": {"warehouse"},
    "sandbox": {"sandbox"},
}
"""Which of our own modules a package's files may import, with all below them. The sandbox is an independent reading of
the vendors' contracts: it shares nothing with the loader."""

ORCHESTRATED = {"pipelines.orchestration", "pipelines"}
"""Who may import dagster; ``pipelines`` itself is ``pipelines.definitions``."""


def syntax_trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """Every module that a file imports, also inside functions; ``from a import b`` is both a and a.b."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return names


def package_of(path: Path) -> str:
    part = ".".join(path.parts[:2])
    return part if part in MAY_IMPORT else path.parts[0]


def is_allowed(package: str, name: str) -> bool:
    if name.startswith("."):
        return False  # a relative import hides which way it goes
    if name.split(".")[0].startswith("dagster"):
        return package in ORCHESTRATED
    return name.split(".")[0] not in OURS or any(f"{name}.".startswith(f"{known}.") for known in MAY_IMPORT[package])


def test_imports_go_one_way() -> None:
    files = 0
    wrong = []
    for path, tree in syntax_trees():
        files += 1
        wrong += [f"{path} imports {name}" for name in imported(tree) if not is_allowed(package_of(path), name)]
    assert sorted(wrong) == []
    assert files > 150


@pytest.mark.parametrize(
    ("path", "source", "refused"),
    [
        ("extractors/http/session.py", "from warehouse.model import schema", ["warehouse.model.schema"]),
        ("transforms/facts.py", "import warehouse.model.schema, warehouse.store", ["warehouse.store"]),
        ("transforms/facts.py", "from warehouse import schemata", ["warehouse.schemata"]),
        ("warehouse/store.py", "def late():\n    import pipelines.loads.run", ["pipelines.loads.run"]),
        ("sandbox/world.py", "from extractors.clock import Clock", ["extractors.clock.Clock"]),
        ("pipelines/loads/run.py", "from dagster_postgres import x", ["dagster_postgres.x"]),
        ("pipelines/loads/run.py", "from . import plan", ["..plan"]),
        ("pipelines/orchestration/loaded_days.py", "import dagster as dg\nfrom pipelines.loads import runs", []),
        ("pipelines/cli/commands/demo.py", "from sandbox.server import Sandbox\nimport httpx", []),
    ],
)
def test_what_the_rules_refuse(path: str, source: str, refused: list[str]) -> None:
    names = imported(ast.parse(source))
    assert [name for name in sorted(names) if not is_allowed(package_of(Path(path)), name)] == refused


def test_a_file_says_what_lives_in_it() -> None:
    assert [str(path) for path, tree in syntax_trees() if not ast.get_docstring(tree)] == []


def loaded_after(*statements: str) -> list[set[str]]:
    """The modules that one process has loaded after each of these statements."""
    script = "\n".join(["import sys", *(f"{statement}\nprint(*sys.modules)" for statement in statements)])
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return [set(line.split()) for line in done.stdout.splitlines()]


def every_module_of(*packages: str) -> str:
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    wanted = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    return f"import {', '.join(wanted)}"


def test_the_packages_do_not_bring_the_orchestrator() -> None:
    packages, modules = loaded_after(
        "import extractors, transforms, warehouse", every_module_of("extractors", "transforms", "warehouse")
    )
    assert not packages & {"dagster", "pandas"}
    assert "transforms.cognigy.transform" in modules
    assert not {name for name in modules if name.split(".")[0].startswith("dagster")}


def test_the_sandbox_brings_nothing_of_the_loader() -> None:
    [loaded] = loaded_after(every_module_of("sandbox"))
    assert not {name.split(".")[0] for name in loaded} & {
        "dagster",
        "extractors",
        "transforms",
        "warehouse",
        "pipelines",
    }


def test_the_command_and_its_help_start_light() -> None:
    runner = "from click.testing import CliRunner\nfrom pipelines.cli.main import cli\n"
    [loaded] = loaded_after(runner + "assert 'backfill' in CliRunner().invoke(cli, ['--help']).output")
    assert not loaded & {"dagster", "pandas", "pyarrow", "duckdb", "httpx", "uvicorn"}


def test_loads_bring_no_orchestrator_and_only_the_report_brings_what_draws_it() -> None:
    loads, report = loaded_after("import pipelines.cli.commands.load", "import pipelines.cli.commands.report")
    assert not loads & {"dagster", "vl_convert", "pipelines.report"}
    assert "pipelines.report" in report
    assert "vl_convert" not in report
