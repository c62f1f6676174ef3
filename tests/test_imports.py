"""The rules of import as one table, read from the sources; the public faces; the modules that an import loads."""

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors.registry import PROVIDERS

ROOT = Path(__file__).parents[1]
OURS = ("chatmart", "pipelines", "extractors", "transforms", "warehouse", "sandbox")

_LOADS = {"pipelines.configuration", "pipelines.loads"}
MAY_IMPORT = {
    "chatmart": {
        "chatmart",
        "pipelines.configuration",
        "pipelines.loads.workspace",
        "pipelines.orchestration.component",
        "warehouse",
    },
    "extractors": {"extractors"},
    "warehouse": {"warehouse"},
    "transforms": {"transforms", "extractors", "warehouse.model", "warehouse.records"},
    "sandbox": {"sandbox"},
    "pipelines.configuration": {"pipelines.configuration", "extractors"},
    "pipelines.loads": {*_LOADS, "extractors", "transforms", "warehouse"},
    "pipelines.orchestration": {*_LOADS, "pipelines.orchestration", "extractors", "warehouse"},
    "pipelines.report": {*_LOADS, "pipelines.report", "extractors", "warehouse"},
    "pipelines.cli": {"pipelines", "extractors", "transforms", "warehouse", "sandbox"},
    "pipelines.defs": {"chatmart", "pipelines", "extractors", "transforms", "warehouse"},
    "pipelines": {"pipelines", "extractors", "transforms", "warehouse"},
}
"""The modules of ours, with all below them, that the files of a package may import. The sandbox reads the vendors'
contracts independently: it shares nothing with the loader."""

MAY_IMPORT_DAGSTER = {"pipelines.orchestration", "pipelines.defs", "pipelines"}
"""``pipelines`` itself is ``pipelines.definitions``; ``pipelines.defs`` is the user's."""

PUBLIC_FACES = (
    "extractors.registry",
    "transforms.registry",
    "warehouse.store",
    "warehouse.records",
    "pipelines.loads.run",
)


def parse_sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))


def list_imports(tree: ast.Module) -> set[str]:
    """Every module that a file imports, also inside functions; ``from a import b`` is ``a.b``."""
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


def provider_of(layer: str, name: str, *more: str) -> str | None:
    """The provider to whose package a module belongs, None for shared code."""
    return name if layer in OURS and name in PROVIDERS else None


def find_breach(path: Path, name: str) -> str | None:
    """The rule that is broken when the file at ``path`` imports ``name``, None where it may."""
    package, parts = package_of(path), [*name.split("."), ""]
    if name.startswith("."):
        return "a relative import hides its direction"
    if parts[0].startswith("dagster"):
        return None if package in MAY_IMPORT_DAGSTER else "dagster belongs to pipelines.orchestration"
    if parts[0] not in OURS:
        return None
    if not any(f"{name}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[package]):
        return f"{package} may not import it"
    importer, imported = provider_of(*path.parts), provider_of(*parts)
    if imported is None or imported == importer:
        return None
    return "shared code reaches a provider only by its registry" if importer is None else "another provider's package"


def find_breaches(path: Path, tree: ast.Module) -> list[str]:
    rules = [(name, find_breach(path, name)) for name in sorted(list_imports(tree))]
    return [f"{path} imports {name}: {rule}" for name, rule in rules if rule]


def test_every_import_keeps_to_the_table() -> None:
    sources = list(parse_sources())
    assert [breach for path, tree in sources for breach in find_breaches(path, tree)] == []
    assert len(sources) > 200


@pytest.mark.parametrize(
    ("path", "source", "refused"),
    [
        ("extractors/http/session.py", "from warehouse.model import schema", ["warehouse.model.schema"]),
        ("transforms/facts.py", "import warehouse.model.schema, warehouse.store", ["warehouse.store"]),
        ("transforms/facts.py", "from warehouse import models", ["warehouse.models"]),
        ("warehouse/store.py", "def late():\n    import pipelines.loads.run", ["pipelines.loads.run"]),
        ("sandbox/world.py", "from extractors.clock import Clock", ["extractors.clock.Clock"]),
        ("pipelines/loads/run.py", "from dagster_postgres import x", ["dagster_postgres.x"]),
        ("pipelines/loads/run.py", "from . import plan", ["..plan"]),
        ("pipelines/orchestration/loaded_days.py", "import dagster as dg\nfrom pipelines.loads import run", []),
        ("pipelines/cli/actions/demo.py", "from sandbox.server import Sandbox\nimport httpx", []),
        ("extractors/inkeep/query.py", "from extractors.cognigy import provider", ["extractors.cognigy.provider"]),
        ("extractors/fetch.py", "from extractors.inkeep.query import Query", ["extractors.inkeep.query.Query"]),
        ("extractors/inkeep/query.py", "from extractors.inkeep import paging\nimport extractors.fetch", []),
        ("transforms/inkeep/transform.py", "import extractors.inkeep.contexts", []),
        ("transforms/inkeep/transform.py", "import extractors.cognigy.provider", ["extractors.cognigy.provider"]),
        ("transforms/registry.py", "import transforms.inkeep.transform", ["transforms.inkeep.transform"]),
        ("sandbox/server.py", "from sandbox import inkeep", ["sandbox.inkeep"]),
        ("pipelines/loads/run.py", "import extractors.inkeep.account", ["extractors.inkeep.account"]),
    ],
)
def test_the_table_refuses(path: str, source: str, refused: list[str]) -> None:
    names = sorted(list_imports(ast.parse(source)))
    assert [name for name in names if find_breach(Path(path), name)] == refused


def test_every_module_has_a_docstring() -> None:
    assert [str(path) for path, tree in parse_sources() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("name", PUBLIC_FACES)
def test_a_public_face_exports_all_that_it_defines(name: str) -> None:
    """A face may hand on a name of its own package; all other exported names are its own."""
    face = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(face))
    callables = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    values = {target.id for node in tree.body for target in ast.walk(node) if is_assigned_name(node, target)}
    handed_on = {key for key in list_imports(tree) if key.startswith(f"{name.rpartition('.')[0]}.")}
    public = {key for key in callables if not key.startswith("_")}
    assert public <= set(face.__all__) <= public | values | {key.rpartition(".")[2] for key in handed_on}
    assert len(set(face.__all__)) == len(face.__all__)


def is_assigned_name(statement: ast.stmt, target: ast.AST) -> bool:
    assigned = isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name)
    return assigned and isinstance(target.ctx, ast.Store)


def list_modules_with_examples() -> list[str]:
    paths = [path for package in OURS for path in (ROOT / package).rglob("*.py") if ">>> " in path.read_text("utf-8")]
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)


@pytest.mark.parametrize("name", sorted({*PUBLIC_FACES, *list_modules_with_examples()}))
def test_the_examples_in_docstrings_work(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0


def list_loaded_modules(*statements: str) -> list[set[str]]:
    """The modules that one process has loaded after each of these statements."""
    script = "\n".join(["import sys", *(f"{statement}\nprint(*sys.modules)" for statement in statements)])
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return [set(line.split()) for line in done.stdout.splitlines()]


def import_every_module_of(*packages: str) -> str:
    """The statement that imports every module of these packages."""
    files = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    return f"import {', '.join(name.removesuffix('.__init__') for name in names if not name.endswith('__main__'))}"


def test_the_packages_do_not_load_the_orchestrator() -> None:
    packages, modules = list_loaded_modules(
        "import extractors, transforms, warehouse", import_every_module_of("extractors", "transforms", "warehouse")
    )
    assert not packages & {"dagster", "pandas"}
    assert "transforms.cognigy.transform" in modules
    assert not {name for name in modules if name.split(".")[0].startswith("dagster")}


def test_the_sandbox_loads_nothing_of_the_loader() -> None:
    [modules] = list_loaded_modules(import_every_module_of("sandbox"))
    assert "sandbox.cognigy.api" in modules
    loader = {"dagster", "extractors", "transforms", "warehouse", "pipelines"}
    assert not {name.split(".")[0] for name in modules} & loader


def test_the_command_and_its_help_start_light() -> None:
    runner = "from click.testing import CliRunner\nfrom pipelines.cli.main import cli\n"
    [modules] = list_loaded_modules(runner + "assert 'backfill' in CliRunner().invoke(cli, ['--help']).output")
    assert not modules & {"dagster", "pandas", "pyarrow", "duckdb", "httpx", "uvicorn"}


def test_a_load_loads_no_orchestrator_and_no_report() -> None:
    load, report = list_loaded_modules("import pipelines.cli.actions.load", "import pipelines.cli.actions.report")
    assert not load & {
        "dagster",
        "pipelines.report",
        "deltalake",
        "obstore",
        "warehouse.storage.delta",
        "distributed",
        "psycopg2",
    }
    assert "pipelines.report" in report
    assert "dagster" not in report
