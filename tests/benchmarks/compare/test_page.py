"""The tables, the page between its markers, and the file of results."""

from pathlib import Path

import pytest

from benchmarks.compare.__main__ import PAGE
from benchmarks.compare.page import END, START, format_table, replace_between_markers, write_page
from benchmarks.compare.results import Measured, read_results, write_results
from benchmarks.compare.summary import Spread

ROWS = {
    "chatmart": {
        "cpu_seconds": Spread(2.5, 2.25, 12.0),
        "ratio": Spread(1.25, 1.0, 1.5),
        "peak_megabytes": Spread(199.6, 199.6, 199.6),
        "requests": Spread(1000, 1000, 1000),
        "landing_files": Spread(3, 3, 3),
    },
    "floor": {"cpu_seconds": Spread(2.0, 2.0, 2.0), "ratio": Spread(1.0, 1.0, 1.0)},
}
MEASURED = Measured("requests", "1,000 requests", "floor", "How to read it.", 5, "60 s", ROWS)


def test_a_table_has_the_columns_that_an_entry_has() -> None:
    assert format_table(ROWS, "floor").splitlines() == [
        "| | CPU s | × floor | peak MB | requests | landing files |",
        "|---|--:|--:|--:|--:|--:|",
        "| chatmart | 2.50 (2.25–12.00) | 1.25 (1.00–1.50) | 200 | 1,000 | 3 |",
        "| floor | 2.00 | 1.00 | – | – | – |",
    ]


def test_only_the_tables_of_the_page_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Title\n{START}\nold\n{END}\nafter\n")
    write_page(page, {"processors": "2", "Python": "3.11", "dlt": "1"}, [MEASURED])
    text = page.read_text()
    assert text.startswith(f"# Title\n{START}\nLast measured on 2 processors with Python 3.11, dlt 1.\n")
    assert text.endswith(f"How to read it.\n{END}\nafter\n")
    assert "`requests`: 5 rounds in turn; 60 s.\n\n| | CPU s |" in text
    assert "old" not in text


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs one line"):
        replace_between_markers("# Title\n", "tables")


def test_the_page_of_the_project_can_be_written() -> None:
    assert replace_between_markers(PAGE.read_text("utf-8"), "tables").count("tables") > 0


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert read_results(path) == {}
    write_results(path, {"Python": "3.11"}, {"requests": MEASURED})
    assert read_results(path) == {"requests": MEASURED}
    write_results(path, {}, {"requests": Measured("r", "", "", "", 1, "", {"a": {"ratio": Spread(1 / 3, 0, 1)}})})
    assert read_results(path)["requests"].rows["a"]["ratio"].median == 0.3333
