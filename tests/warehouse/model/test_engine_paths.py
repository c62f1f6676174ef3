"""Paths as DuckDB must understand them, on files below awkward folders; and that no code names a file otherwise."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse.model import engine_paths
from warehouse.model.engine_paths import (
    csv_rows_sql,
    engine_path,
    parquet_pattern_sql,
    parquet_rows_sql,
    path_literal,
)

ROOT = Path(__file__).parents[3]
READS = r"\b(read_(parquet|csv|csv_auto|json|json_auto|ndjson|text|blob)|parquet_scan|glob)\("
NAMES_FILE = r"literal\(str\(|\b(COPY|TO|FROM|ATTACH|EXPORT DATABASE|IMPORT DATABASE)\s+'(?!:memory:)"
NAMES = [
    "plain", "a?b", "a\\b", "a[b]", "[!a]", "a*", "**", "it's", 'a"b', "a;b", "a#b", "a%20b", "n=1", "a b", "ü",
    "{a,b}", "$n", "\\x", "\\*", "~", "s3:", "new\nline", "?x=1&access_mode=READ_WRITE", os.fsdecode(b"\xdc"),
    "\\?*[all]{of},them=1#;%'\"",
]  # fmt: skip


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture(params=NAMES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An awkward folder beside others that its name, read as a pattern, would match."""
    for decoy in ("aab", "ab", "a", "b"):
        (tmp_path / decoy).mkdir()
        (tmp_path / decoy / "file").write_text("n\n9\n")
    folder: Path = tmp_path / request.param
    folder.mkdir(exist_ok=True)
    return folder


def test_parquet_is_written_and_read_in_exactly_this_place(
    con: duckdb.DuckDBPyConnection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("file", "f?le\\[x]*=1"):
        con.execute(f"COPY (SELECT 7 AS n) TO {path_literal(folder / 'file')} (FORMAT parquet)")
        (folder / "file").rename(folder / name)
        read = con.sql(f"FROM {parquet_rows_sql([folder / name, folder / name])}")
        assert (read.columns, read.fetchall()) == (["n"], [(7,), (7,)])
    (folder / "month=1").mkdir()
    con.execute(f"COPY (SELECT 8 AS n) TO {path_literal(folder / 'month=1' / 'data.parquet')} (FORMAT parquet)")
    monkeypatch.chdir(folder)
    read = con.sql(f"FROM {parquet_pattern_sql('month=*/data.parquet')}")
    assert (read.columns, read.fetchall()) == (["n"], [(8,)])


def test_csv_has_the_declared_columns_only(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    path = folder / "n=5,file.csv"
    path.write_text("a;b\n1;x\n")
    columns = "header = true, delim = ';', quote = '\"', columns = {'n': 'VARCHAR', 'b': 'VARCHAR'}"
    read = con.sql(f"FROM {csv_rows_sql(path, columns)}")
    assert (read.columns, read.fetchall()) == (["n", "b"], [("1", "x")])


def test_a_database_is_attached_and_rows_are_spilled_in_this_place(tmp_path: Path, folder: Path) -> None:
    plain = tmp_path / "plain.duckdb"
    with duckdb.connect(str(plain)) as con:
        con.execute("CREATE TABLE t AS SELECT 7 AS n")
    for name in ("file.duckdb", "f?le\\[x]*=1.duckdb"):
        (folder / name).write_bytes(plain.read_bytes())
        with duckdb.connect() as con:
            con.execute(f"ATTACH {path_literal(folder / name)} AS wh (READ_ONLY)")
            assert con.sql("FROM wh.t").fetchall() == [(7,)]
    with duckdb.connect(config={"temp_directory": engine_path(folder / "spill"), "memory_limit": "40MB"}) as con:
        con.execute("SET threads = 1")
        con.execute("CREATE TEMP TABLE t AS SELECT hash(i) AS h, repeat('x', 100) AS s FROM range(500000) AS r(i)")
        assert any((folder / "spill").iterdir())


def test_links_end_with_their_process_and_are_made_again(tmp_path: Path) -> None:
    assert engine_path(tmp_path / "plain") == str(tmp_path / "plain")
    link = Path(engine_path(tmp_path / "a?b" / "file")).parent
    assert (link.is_symlink(), link.readlink()) == (True, tmp_path / "a?b")
    assert Path(engine_path(tmp_path / "a?b" / "other")).parent == link
    link.unlink()
    again = Path(engine_path(tmp_path / "a?b" / "file")).parent
    assert again.is_symlink()
    code = "import pathlib, warehouse.model.engine_paths as e; print(e.engine_path(pathlib.Path('/tmp/a?b/c')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not Path(done.stdout.strip()).parent.parent.exists()


def test_without_a_folder_for_links_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_paths.os, "access", lambda *_: False)
    with pytest.raises(OSError, match=r"no folder for a link to it: .*Set TMPDIR to a plain folder\."):
        engine_path(tmp_path / "a?b" / "file")


def find_file_sql(path: Path) -> list[str]:
    """The lines on which a source names a file to DuckDB by itself."""
    text, reads, names = (
        path.read_text("utf-8"),
        re.compile(READS, re.IGNORECASE),
        re.compile(NAMES_FILE, re.IGNORECASE),
    )
    constants = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    lines = {node.lineno for node in constants if isinstance(node.value, str) and reads.search(node.value)}
    lines |= {number for number, line in enumerate(text.splitlines(), 1) if names.search(line)}
    return [f"{path.relative_to(ROOT)}:{number}" for number in sorted(lines)]


def test_no_other_code_names_a_file_to_duckdb() -> None:
    own = ROOT / "warehouse/model/engine_paths.py"
    assert find_file_sql(own)
    sources = [path for layer in ("extractors", "transforms", "warehouse", "pipelines")
               for path in sorted((ROOT / layer).rglob("*.py")) if path != own]  # fmt: skip
    assert len(sources) > 150
    assert [line for path in sources for line in find_file_sql(path)] == []
