"""`chatmart export` writes the files of a tool for the configured warehouse, and refuses what it cannot do."""

from pathlib import Path

import pytest
import yaml

from pipelines.cli.actions import export
from pipelines.cli.commands.export import TOOLS
from tests.support.command import run_chatmart

CONFIG = """
warehouse: {address}
accounts:
  - {{name: acme, provider: inkeep, api_key: "${{A_KEY_THAT_IS_NOT_SET}}"}}
"""


def write_config(folder: Path, address: str) -> Path:
    file = folder / "chatmart.yaml"
    file.write_text(CONFIG.format(address=address), "utf-8")
    return file


def test_the_offered_tools_are_those_that_there_are() -> None:
    assert tuple(export._WRITERS) == TOOLS


@pytest.mark.parametrize("tool", TOOLS)
def test_an_export_needs_no_secret_and_says_what_is_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tool: str
) -> None:
    config = write_config(tmp_path, "duckdb://data/warehouse.duckdb")
    result = run_chatmart(capsys, "--config", config, "export", tool, tmp_path / "out")
    assert (result.exit_code, result.out) == (0, f"{tmp_path / 'out'}\n")
    assert result.err.startswith("Next: ")
    if tool == "dbt":
        profile = yaml.safe_load((tmp_path / "out/profiles.yml").read_text("utf-8"))
        [attached] = profile["chatmart"]["outputs"]["local"]["attach"]
        assert f"'{tmp_path / 'data/warehouse.duckdb'}'" in attached["path"]


def test_a_changed_file_is_kept_and_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("export", "dbt", tmp_path / "out", "--database", "/data/warehouse.duckdb")
    assert run_chatmart(capsys, *arguments).exit_code == 0
    (tmp_path / "out/models/account_month.sql").write_text("select 1")
    result = run_chatmart(capsys, *arguments)
    assert result.exit_code == 0
    assert f"Kept {tmp_path / 'out/models/account_month.sql'}: " in result.err
    assert (tmp_path / "out/models/account_month.sql").read_text() == "select 1"


def test_a_foreign_folder_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    result = run_chatmart(capsys, "export", "dbt", tmp_path, "--database", "/data/warehouse.duckdb")
    assert (result.exit_code, result.out) == (2, "")
    assert f"{tmp_path} holds files that are no export of chatmart: name a new or empty folder" in result.err


def test_a_lake_needs_a_file_of_its_views(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = write_config(tmp_path, "parquet://data/lake")
    result = run_chatmart(capsys, "--config", config, "export", "superset", tmp_path / "out")
    assert (result.exit_code, result.out) == (2, "")
    assert "parquet://data/lake is no DuckDB file" in result.err
    assert "--database" in result.err
    assert not (tmp_path / "out").exists()
