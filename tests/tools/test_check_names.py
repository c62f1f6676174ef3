"""The project keeps to docs/naming.md as far as a syntax tree can show it, and the check sees every breach."""

from pathlib import Path

import pytest

from tools.check_names import VAGUE_NAMES, find_problems

ROOT = Path(__file__).parents[2]


def test_the_project_keeps_to_its_rules_of_naming() -> None:
    assert [str(problem) for problem in find_problems(ROOT)] == []


@pytest.mark.parametrize("name", sorted(VAGUE_NAMES))
@pytest.mark.parametrize(
    "source",
    [
        "{} = 1",
        "def f({}): ...",
        "def f(*, {}=0): ...",
        "for {} in (): ...",
        "[0 for {} in ()]",
        "class A:\n    {}: int",
        "class A:\n    def f(self):\n        self.{} = 1",
        "({} := 1)",
        "with open('x') as {}: ...",
        "try: ...\nexcept ValueError as {}: ...",
        "import os as {}",
        "_{} = 1",
    ],
)
def test_a_vague_variable_is_seen_in_every_place_that_binds_it(tmp_path: Path, source: str, name: str) -> None:
    assert rules_broken_by(tmp_path, source.format(name)) == ["vague variable"]


@pytest.mark.parametrize("name", ["told", "_landed", "shown", "kept", "loading"])
def test_a_bare_participle_is_seen(tmp_path: Path, name: str) -> None:
    assert rules_broken_by(tmp_path, f"def {name}(): ...") == ["bare participle"]


@pytest.mark.parametrize("name", ["read", "split", "feed", "landed_days", "embed", "load"])
def test_verbs_and_phrases_are_no_participles(tmp_path: Path, name: str) -> None:
    assert rules_broken_by(tmp_path, f"def {name}(): ...") == []


def test_a_class_name_belongs_to_one_class(tmp_path: Path) -> None:
    write(tmp_path / "tests/test_job.py", "class Job: ...")
    assert rules_broken_by(tmp_path, "class Job: ...") == ["class name defined twice"] * 2


@pytest.mark.parametrize(
    ("signature", "docstring", "body", "missing"),
    [
        ("f()", "Fail.", "raise ValueError(1)", "error"),
        ("f()", "Fail. Raises ValueError.", "raise ValueError(1)", None),
        ("f() -> pa.Table", "Return the rows.", "...", "columns"),
        ("f() -> pa.Table", "Return the rows, with the columns a and b.", "...", None),
        ("f() -> datetime", "Return the start.", "...", "time zone"),
        ("f() -> datetime", "Return the start in UTC.", "...", None),
        ("f() -> float", "Return the delay.", "...", "unit"),
        ("f() -> float", "Return the delay in seconds.", "...", None),
        ("f_seconds() -> float", "Return the delay.", "...", None),
        ("_f() -> float", "Return the delay.", "...", None),
    ],
)
def test_a_docstring_names_what_its_reader_needs(
    tmp_path: Path, signature: str, docstring: str, body: str, missing: str | None
) -> None:
    name, _, returned = signature.partition(" -> ")
    source = f'def {name}{" -> " + returned if returned else ""}:\n    """{docstring}"""\n    {body}'
    assert rules_broken_by(tmp_path, source) == ([f"docstring names no {missing}"] if missing else [])


def rules_broken_by(root: Path, source: str) -> list[str]:
    """The broken rules of a project whose only module of a package is `source`."""
    write(root / "extractors/module.py", source)
    return [problem.rule for problem in find_problems(root)]


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")
