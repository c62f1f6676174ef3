"""Every way of asking that docs/querying.md shows, run as it stands there, on a loaded warehouse."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.store import Store, open_store

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/querying.md").read_text("utf-8")
EXPECTED = [["2025-03-01", "chatcaptain", "unknown", 2], ["2025-03-01", "chatcaptain", "whatsapp", 18]]

_CONFIG = """
warehouse: duckdb://data/demo/warehouse.duckdb
accounts:
  - {name: acme, provider: inkeep, api_key: "${INKEEP_KEY}"}
"""

_SHOW = """
import json
rows = result.itertuples(index=False) if hasattr(result, "itertuples") else result
print(json.dumps([[str(month)[:10], *members, int(count)] for month, *members, count in rows]))
"""


def find_code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def loaded_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A warehouse where the page has it, seen from the folder above."""
    store = open_store("duckdb://data/demo/warehouse.duckdb", tmp_path_factory.mktemp("querying"))
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2))))
    store.publish()
    (store.location.parents[2] / "chatmart.yaml").write_text(_CONFIG, "utf-8")
    return store


def run_command(loaded_store: Store, command: list[str], stdin: str = "") -> str:
    """The standard output of a command in the folder that the page's paths begin at, in a zone that is not UTC."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "TZ": "America/New_York", "INKEEP_KEY": "invented"}
    environment = {**os.environ, **ours}
    folder = loaded_store.location.parents[2]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_shows_each_way() -> None:
    assert (len(find_code_blocks("console")), len(find_code_blocks("python")), len(find_code_blocks("sql"))) == (
        4,
        7,
        10,
    )
    assert PAGE.count("```") == 2 * 21


@pytest.mark.parametrize("number", range(7))
def test_python_as_it_stands(loaded_store: Store, number: int) -> None:
    assert (
        json.loads(run_command(loaded_store, [sys.executable, "-c", find_code_blocks("python")[number] + _SHOW]))
        == EXPECTED
    )


@pytest.mark.parametrize("number", range(10))
def test_sql_as_it_stands(loaded_store: Store, number: int) -> None:
    *_, last = [statement for statement in find_code_blocks("sql")[number].split(";") if statement.strip()]
    rows = query_rows(loaded_store, last)
    assert rows
    if "channel_monthly" in last:
        assert [[str(month), *others] for month, *others in rows] == EXPECTED


def test_the_command_line_of_an_older_duckdb_as_it_stands(loaded_store: Store) -> None:
    prompt, program, *arguments = find_code_blocks("console")[0].split()
    assert prompt == "$"
    command = [str(Path(sys.executable).with_name(program)), *arguments, "-json"]
    assert (
        run_command(loaded_store, [*command, "-c", "SELECT split_part(version(), '.', 1) AS major"])
        == '[{"major":"v1"}]\n'
    )
    query = next(block for block in find_code_blocks("sql") if block.startswith("SET TimeZone"))
    lines = json.loads(run_command(loaded_store, command, stdin=query))
    assert [list(line.values()) for line in lines] == EXPECTED
    noon = run_command(
        loaded_store, command, stdin=f"{query.splitlines()[0]} SELECT max(started_at) AS noon FROM conversation;"
    )
    assert "2025-03-01 12:00:00+00" in noon


def test_the_views_of_a_lake_in_an_older_duckdb_as_it_stands(loaded_store: Store) -> None:
    lake = open_store("parquet://data/lake", loaded_store.location.parents[2])
    lake.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2))))
    lake.publish()
    mounted = lake.location.parents[1] / "mounted lake"
    shutil.copytree(lake.location, mounted)
    scripts = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    query = next(block for block in find_code_blocks("sql") if block.startswith("SET TimeZone"))
    inside, elsewhere = (block.strip().removeprefix("$ ") for block in find_code_blocks("console")[1:3])
    elsewhere = elsewhere.replace("/mnt/lake", str(mounted))
    for command in (inside, elsewhere):
        lines = json.loads(run_command(loaded_store, ["sh", "-c", f"{scripts}; {command} -json"], stdin=query))
        assert [list(line.values()) for line in lines] == EXPECTED


def test_parquet_for_other_tools_as_it_stands(loaded_store: Store) -> None:
    folder = loaded_store.location.parents[2]
    scripts = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    run_command(loaded_store, ["sh", "-c", f"{scripts} {find_code_blocks('console')[3].removeprefix('$ ')}"])
    months = pq.read_table(folder / "months.parquet")
    assert months.select(["days", "conversations"]).to_pylist() == [{"days": 2, "conversations": 20}]
    assert months.schema.field("cost_amount").type == pa.decimal128(38, 6)


def test_pandas_keeps_what_the_page_promises(loaded_store: Store) -> None:
    columns = "conversations, unique_users, cost_amount"
    code = re.sub(
        "SELECT.*?ORDER BY ALL",
        f"SELECT {columns} FROM conversation_daily",
        find_code_blocks("python")[3],
        flags=re.DOTALL,
    )
    assert "conversation_daily" in code
    show_kinds = "print([str(kind) for kind in result.dtypes])"
    floats = code.replace(".to_arrow_table()", ".df()").split("result =")[0]
    script = f"{code}\n{show_kinds}\n{floats}\nprint(arrow.cost_amount.dtype)"
    kinds = "['int64[pyarrow]', 'int64[pyarrow]', 'decimal128(18, 6)[pyarrow]']"
    assert run_command(loaded_store, [sys.executable, "-c", script]).splitlines() == [kinds, "float64"]


def test_sqlalchemy_in_utc(loaded_store: Store) -> None:
    code = re.sub(
        "SELECT.*?ORDER BY ALL",
        "SELECT max(started_at) AS noon FROM conversation",
        find_code_blocks("python")[4],
        flags=re.DOTALL,
    )
    assert (
        run_command(loaded_store, [sys.executable, "-c", f"{code}\nprint(result.noon[0])"])
        == "2025-03-01 12:00:00+00:00\n"
    )


def test_reflection_fails_as_the_page_says(loaded_store: Store) -> None:
    """When this fails, the driver has learnt it: tell the readers of the page."""
    code = find_code_blocks("python")[4].split("result =")[0]
    reflection = "from sqlalchemy import exc, inspect\ntry:\n    inspect(engine).get_columns('dim_account')\n"
    assert "pg_collation" in run_command(
        loaded_store, [sys.executable, "-c", f"{code}{reflection}except exc.DBAPIError as e:\n    print(e)"]
    )


_SERVER = """
import sys
import duckdb
{pool}
PATH = "data/demo/warehouse.duckdb"
COUNT = "SELECT count(*) FROM conversation_daily"
plain = duckdb.connect(PATH, read_only=True)
views = duckdb.connect()
views.execute("SET file_search_path = 'data/lake'")
views.execute(open("data/lake/views.sql").read())

def ask_pool():
    with engine.connect() as con:
        return con.exec_driver_sql(COUNT).scalar()

kept = engine.connect()
kept.exec_driver_sql(COUNT).scalar()
for line in sys.stdin:
    second = duckdb.connect(PATH, read_only=True).execute(COUNT).fetchone()[0]
    print(second, ask_pool(), views.execute(COUNT).fetchone()[0], flush=True)
"""


def test_a_server_that_keeps_a_connection_open_sees_a_new_load_by_the_ways_of_the_page(tmp_path: Path) -> None:
    """The first number is DuckDB's own behaviour, of which the page warns."""
    stores = [open_store(url, tmp_path) for url in ("duckdb://data/demo/warehouse.duckdb", "parquet://data/lake")]

    def publish(day: int) -> None:
        for store in stores:
            slices = consecutive_days(day)[-1:]
            store.commit(build_chunk_commit(slices, build_full_tables(slices)))
            store.publish()

    publish(1)
    pool = find_code_blocks("python")[6].partition("query =")[0]
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER.replace("{pool}", pool)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        for day, answer in ((1, "1 1 1"), (2, "1 2 2"), (3, "1 3 3")):
            if day > 1:
                publish(day)
            server.stdin.write("count\n")
            server.stdin.flush()
            assert server.stdout.readline() == f"{answer}\n"
        server.stdin.close()
    assert server.returncode == 0
