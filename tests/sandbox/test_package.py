"""The sandbox is an independent reading of the vendors' references: it imports nothing of the packages it checks."""

import ast
from pathlib import Path

import sandbox

LOADER_PACKAGES = {"pipelines", "extractors", "transforms", "warehouse"}


def test_nothing_of_the_other_packages_is_imported():
    files = list(Path(sandbox.__file__).parent.rglob("*.py"))
    assert len(files) > 20
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {node.module or ""}
            else:
                continue
            assert not {name.split(".")[0] for name in names} & LOADER_PACKAGES, file.name
