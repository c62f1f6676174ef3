"""The generated files are current, and the command that writes them can also only check them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.make_docs import ROOT, build_files, find_stale, main


@pytest.fixture(scope="module")
def current_files() -> dict[Path, str]:
    return build_files(ROOT)


def test_the_files_are_current(current_files: dict[Path, str]) -> None:
    assert [path.name for path in find_stale(current_files)] == [], "run `make docs`"


def test_the_command_writes_stale_files_and_only_names_them_with_check(
    tmp_path: Path, current_files: dict[Path, str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/fields.md").write_text("old", "utf-8")
    checked = CliRunner().invoke(main, ["--check", "--root", str(tmp_path)])
    pages = "docs/fields.md, docs/data-dictionary.md, docs/star.svg, docs/star.dbml"
    names = f"{pages}, pipelines/configuration/chatmart.schema.json"
    assert (checked.exit_code, checked.stderr) == (1, f"Stale: {names}. Run `make docs`.\n")
    assert [path.name for path in tmp_path.rglob("*.*")] == ["fields.md"]
    assert CliRunner().invoke(main, ["--root", str(tmp_path)]).exit_code == 0
    written = {path: (tmp_path / path.relative_to(ROOT)).read_text("utf-8") for path in current_files}
    assert written == current_files
    assert CliRunner().invoke(main, ["--check", "--root", str(tmp_path)]).exit_code == 0
