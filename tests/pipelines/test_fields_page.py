"""The page of fields is what the transforms declare."""

from pathlib import Path

from click.testing import CliRunner

from pipelines.fields_page import PAGE_NAME, main, render_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    looked = CliRunner().invoke(main, ["--check", "--folder", str(DOCS)])
    assert (looked.exit_code, looked.stderr) == (0, "")


def test_the_command_writes_what_is_stale_and_only_looks_with_check(tmp_path: Path) -> None:
    (tmp_path / PAGE_NAME).write_text("old", "utf-8")
    looked = CliRunner().invoke(main, ["--check", "--folder", str(tmp_path)])
    assert (looked.exit_code, (tmp_path / PAGE_NAME).read_text("utf-8")) == (1, "old")
    assert f"{PAGE_NAME}. Run `make docs`" in looked.stderr
    assert CliRunner().invoke(main, ["--folder", str(tmp_path)]).exit_code == 0
    assert (tmp_path / PAGE_NAME).read_text("utf-8") == render_page()
    assert CliRunner().invoke(main, ["--check", "--folder", str(tmp_path)]).exit_code == 0
