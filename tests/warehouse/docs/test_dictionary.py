"""The data dictionary and the picture of the star: complete and well formed."""

import re
from xml.etree import ElementTree

import pytest

from warehouse.ddl.views import view_queries
from warehouse.docs.diagram import render_star_svg
from warehouse.docs.dictionary import render_page
from warehouse.docs.relations import BOOKKEEPING, DIMENSIONS, FACTS, grain_columns, joined_dimension, key_column
from warehouse.model.schema import metadata

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def page() -> str:
    return render_page()


@pytest.fixture(scope="module")
def picture() -> ElementTree.Element:
    return ElementTree.fromstring(render_star_svg())


def find_section(page: str, name: str) -> str:
    return page.split(f"\n### {name}\n")[1].split("\n## ")[0].split("\n### ")[0]


def test_every_table_and_column_is_in_it(page: str) -> None:
    assert len(FACTS) + len(DIMENSIONS) + len(BOOKKEEPING) == len(metadata.tables)
    for table in metadata.tables.values():
        section = find_section(page, table.name)
        assert str(table.comment) in section
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == table.columns.keys()


def test_every_view_is_in_it_with_its_comment(page: str) -> None:
    for view, text in view_queries().items():
        section = find_section(page, view)
        assert text.splitlines()[0].removeprefix("-- ") in section
        assert "| None |" not in section
        assert "|  |" not in section


def test_a_row_says_unit_and_whether_it_adds_up(page: str) -> None:
    section = find_section(page, "fact_conversation_daily")
    assert "| `messages` | BIGINT | yes | measure | messages | yes | Messages of users and bot. |" in section
    assert "| `unique_users` | BIGINT | yes | measure | users | no |" in section
    assert "| `account_key` | BIGINT |  | joins [dim_account](#dim_account) |" in section
    assert "One row for: `account_key`, `date`." in section


def test_grains_and_joins_name_what_is_there() -> None:
    for table in (*FACTS, *DIMENSIONS):
        assert set(grain_columns(table)) <= set(table.columns.keys()), table.name
        assert grain_columns(table)
    joins = {(column.table.name, joined_dimension(column)) for table in FACTS for column in table.columns}
    assert {("fact_channel_daily", "dim_channel"), ("fact_flow_transition", "dim_date")} <= joins
    assert {key_column(table).name for table in DIMENSIONS} >= {"date", "account_key", "intent_key"}


def test_the_picture_shows_every_table_column_and_join(page: str, picture: ElementTree.Element) -> None:
    words = [text.text for text in picture.iter(f"{SVG}text")]
    for table in (*FACTS, *DIMENSIONS):
        assert words.count(table.name) == 1
        for column in table.columns:
            assert column.name in words
    joins = [column for table in (*FACTS, *DIMENSIONS) for column in table.columns if joined_dimension(column)]
    drawn = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("stroke-width") == "1.5"]
    assert sum(len(re.findall(r"M\d+ \d+H|M\d+ \d+L\d+ \d+L\d+ \d+M", path)) for path in drawn) >= len(joins)
    assert page.count(" ||--o{ ") == len(joins)


def test_nothing_in_the_picture_lies_over_another_table_or_outside(picture: ElementTree.Element) -> None:
    width, height = int(picture.get("width", "")), int(picture.get("height", ""))
    frames = [group.find(f"{SVG}rect") for group in picture.iter(f"{SVG}g")]
    boxes = [[int(box.get(side, "")) for side in ("x", "y", "width", "height")] for box in frames if box is not None]
    assert len(boxes) == len(FACTS) + len(DIMENSIONS)
    assert all(x + wide < width and y + tall < height for x, y, wide, tall in boxes)
    for x, y, wide, tall in boxes:
        assert sum(a < x + wide and x < a + c and b < y + tall and y < b + d for a, b, c, d in boxes) == 1
