"""The data dictionary and the picture of the star: current, complete, well formed."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from warehouse.ddl.views import view_queries
from warehouse.docs.dictionary import DIAGRAM_NAME, PAGE_NAME, build_documents, main
from warehouse.docs.relations import BOOKKEEPING, DIMENSIONS, FACTS, grain_columns, joined_dimension, key_column
from warehouse.model.schema import metadata

DOCS = Path(__file__).parents[3] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def current() -> dict[str, str]:
    return build_documents()


def section(page: str, name: str) -> str:
    return page.split(f"\n### {name}\n")[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize("name", [PAGE_NAME, DIAGRAM_NAME])
def test_the_files_are_current(current: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == current[name], "run `make docs`"


def test_every_table_and_column_is_in_it(current: dict[str, str]) -> None:
    assert len(FACTS) + len(DIMENSIONS) + len(BOOKKEEPING) == len(metadata.tables)
    for table in metadata.tables.values():
        told = section(current[PAGE_NAME], table.name)
        assert str(table.comment) in told
        assert re.findall(r"^\| `(\w+)`", told, re.MULTILINE) == table.columns.keys()


def test_every_view_is_in_it_with_its_comment(current: dict[str, str]) -> None:
    for view, text in view_queries().items():
        told = section(current[PAGE_NAME], view)
        assert text.splitlines()[0].removeprefix("-- ") in told
        assert "| None |" not in told
        assert "|  |" not in told


def test_a_row_says_unit_and_whether_it_adds_up(current: dict[str, str]) -> None:
    told = section(current[PAGE_NAME], "fact_conversation_daily")
    assert "| `messages` | BIGINT | yes | measure | messages | yes | Messages of users and bot. |" in told
    assert "| `unique_users` | BIGINT | yes | measure | users | no |" in told
    assert "| `account_key` | BIGINT |  | joins [dim_account](#dim_account) |" in told
    assert "One row for: `account_key`, `date`." in told


def test_grains_and_joins_name_what_is_there() -> None:
    for table in (*FACTS, *DIMENSIONS):
        assert set(grain_columns(table)) <= set(table.columns.keys()), table.name
        assert grain_columns(table)
    joins = {(column.table.name, joined_dimension(column)) for table in FACTS for column in table.columns}
    assert {("fact_channel_daily", "dim_channel"), ("fact_flow_transition", "dim_date")} <= joins
    assert {key_column(table).name for table in DIMENSIONS} >= {"date", "account_key", "intent_key"}


def test_the_picture_shows_every_table_column_and_join(current: dict[str, str]) -> None:
    picture = ElementTree.fromstring(current[DIAGRAM_NAME])
    words = [text.text for text in picture.iter(f"{SVG}text")]
    for table in (*FACTS, *DIMENSIONS):
        assert words.count(table.name) == 1
        for column in table.columns:
            assert column.name in words
    joins = [column for table in (*FACTS, *DIMENSIONS) for column in table.columns if joined_dimension(column)]
    drawn = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("stroke-width") == "1.5"]
    assert sum(len(re.findall(r"M\d+ \d+H|M\d+ \d+L\d+ \d+L\d+ \d+M", path)) for path in drawn) >= len(joins)
    assert current[PAGE_NAME].count(" ||--o{ ") == len(joins)


def test_nothing_in_the_picture_lies_over_another_table_or_outside(current: dict[str, str]) -> None:
    picture = ElementTree.fromstring(current[DIAGRAM_NAME])
    width, height = int(picture.get("width", "")), int(picture.get("height", ""))
    found = [group.find(f"{SVG}rect") for group in picture.iter(f"{SVG}g")]
    boxes = [[int(box.get(side, "")) for side in ("x", "y", "width", "height")] for box in found if box is not None]
    assert len(boxes) == len(FACTS) + len(DIMENSIONS)
    assert all(x + wide < width and y + tall < height for x, y, wide, tall in boxes)
    for x, y, wide, tall in boxes:
        assert sum(a < x + wide and x < a + c and b < y + tall and y < b + d for a, b, c, d in boxes) == 1


def test_the_command_writes_what_is_stale_and_only_looks_with_check(tmp_path: Path, current: dict[str, str]) -> None:
    (tmp_path / PAGE_NAME).write_text("old", "utf-8")
    looked = CliRunner().invoke(main, ["--check", "--folder", str(tmp_path)])
    assert (looked.exit_code, (tmp_path / PAGE_NAME).read_text("utf-8")) == (1, "old")
    assert PAGE_NAME in looked.stderr
    assert DIAGRAM_NAME in looked.stderr
    assert CliRunner().invoke(main, ["--folder", str(tmp_path)]).exit_code == 0
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == current
    assert CliRunner().invoke(main, ["--check", "--folder", str(tmp_path)]).exit_code == 0
