"""Counts the names and docstrings that break docs/naming.md: `python tools/check_names.py [--root FOLDER] [--list]`.

Reads the sources as syntax trees and imports nothing of them, so that any checkout can be measured. `EXCEPTIONS` holds
the names that stay, each with its reason.
"""

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("chatmart", "extractors", "transforms", "warehouse", "pipelines", "sandbox")
OTHERS = ("tests", "benchmarks", "tools")

VAGUE_NAMES = frozenset({"told", "found", "asked", "each", "one", "there", "said", "made"})

EXCEPTIONS: dict[str, str] = {
    "committed": "a context manager: the committed data, for as long as it is open",
    "published": "a context manager: the published data, for as long as it is open",
    "checking": "an iterator that checks responses for drift while they are read",
    "landing": "a noun: the landing zone, and the name of assets and steps that users see",
    "staging": "a noun: the staging folder, and the name of a step that users see",
    "everything": "a noun",
}

_IRREGULAR = re.compile(
    "begun|bound|broken|brought|built|caught|chosen|done|drawn|driven|fallen|fed|felt|found|given|gone|grown|heard|held|"
    "hidden|kept|known|laid|lent|led|left|lost|made|met|paid|said|seen|sent|shown|spent|spoken|stood|taken|told|thrown|"
    "understood|written"
)
_REGULAR = re.compile("[a-z]{2,}(ed|ing)")
_NO_PARTICIPLE = re.compile("bring|during|embed|exceed|feed|need|ping|proceed|ring|seed|sing|speed|string|thing")

_RETURNS_TABLE = re.compile(r"\b(pa\.Table|pd\.DataFrame|DataFrame|pa\.RecordBatch\w*)\b")
_RETURNS_INSTANT = re.compile(r"\bdatetime\b")
_RETURNS_QUANTITY = re.compile(r"^(float|Decimal)( \| None)?$")
_UNIT = re.compile(
    r"second|byte|minute|hour|\bday|share|percent|fraction|count|number of|money|currency|unit|score|rate|\bMB\b|pixel",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Problem:
    """A place that breaks a rule."""

    rule: str
    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name} ({self.rule})"


def find_problems(root: Path) -> list[Problem]:
    """Every place below `root` that breaks one of the rules, in the order of rules and paths."""
    trees = {path.relative_to(root): ast.parse(path.read_text("utf-8")) for path in _sources(root)}
    problems = [problem for path, tree in trees.items() for problem in _vague_names(path, tree)]
    problems += _repeated_classes(trees)
    for path, tree in trees.items():
        problems += _bare_participles(path, tree)
        if path.parts[0] in PACKAGES:
            problems += _silent_docstrings(path, tree)
    return sorted(problems, key=lambda problem: (problem.rule, problem.path, problem.line))


def _sources(root: Path) -> Iterator[Path]:
    for folder in (*PACKAGES, *OTHERS):
        yield from sorted((root / folder).rglob("*.py"))


def _vague_names(path: Path, tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        names: list[tuple[str | None, int]] = []
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            names = [(node.id if isinstance(node, ast.Name) else node.attr, node.lineno)]
        elif isinstance(node, ast.arg):
            names = [(node.arg, node.lineno)]
        elif isinstance(node, ast.ExceptHandler):
            names = [(node.name, node.lineno)]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [(alias.asname, node.lineno) for alias in node.names]
        for name, line in names:
            if name and name.lstrip("_") in VAGUE_NAMES:
                yield Problem("vague variable", path, line, name)


def _repeated_classes(trees: dict[Path, ast.Module]) -> Iterator[Problem]:
    places: defaultdict[str, list[tuple[Path, int]]] = defaultdict(list)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append((path, node.lineno))
    for name, defined in places.items():
        if len(defined) > 1:
            yield from (Problem("class name defined twice", path, line, name) for path, line in defined)


def _bare_participles(path: Path, tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = node.name.strip("_")
            if _is_participle(name) and name not in EXCEPTIONS:
                yield Problem("bare participle", path, node.lineno, node.name)


def _is_participle(name: str) -> bool:
    if _NO_PARTICIPLE.fullmatch(name):
        return False
    return bool(_IRREGULAR.fullmatch(name) or _REGULAR.fullmatch(name))


def _silent_docstrings(path: Path, tree: ast.Module) -> Iterator[Problem]:
    for function in _public_functions(tree):
        text = ast.get_docstring(function)
        if text is None or _is_override(function):
            continue
        missing = [*_unnamed_errors(function, text), *_unnamed_results(function, text)]
        if missing:
            yield Problem("docstring names no " + " and no ".join(missing), path, function.lineno, function.name)


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
    for body in bodies:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                yield node


def _is_override(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("override" in ast.unparse(decorator) for decorator in function.decorator_list)


def _unnamed_errors(function: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func).rpartition(".")[2]
            if name[0].isupper() and name not in text and "Raises" not in text:
                yield "error"
                return


def _unnamed_results(function: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> Iterator[str]:
    returned = ast.unparse(function.returns) if function.returns else ""
    if _RETURNS_TABLE.search(returned) and "column" not in text.lower():
        yield "columns"
    if _RETURNS_INSTANT.search(returned) and not re.search(r"UTC|zone|local|offset", text):
        yield "time zone"
    if _RETURNS_QUANTITY.match(returned) and not _UNIT.search(f"{function.name} {text}"):
        yield "unit"


def main() -> None:
    """Print how often each rule is broken, with `--list` also where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--list", action="store_true", help="print each place, too")
    arguments = parser.parse_args()
    problems = find_problems(arguments.root)
    if arguments.list:
        print(*problems, sep="\n")
    counts = Counter("docstring" if problem.rule.startswith("docstring") else problem.rule for problem in problems)
    counts["class name defined twice"] = len({p.name for p in problems if p.rule == "class name defined twice"})
    for rule, label in (
        ("vague variable", f"variables named {', '.join(sorted(VAGUE_NAMES))}"),
        ("class name defined twice", "class names defined twice"),
        ("docstring", "public functions whose docstring names no error, column, zone or unit where one is due"),
        ("bare participle", "functions named by a bare participle"),
    ):
        print(f"{counts[rule]:5}  {label}")


if __name__ == "__main__":
    main()
