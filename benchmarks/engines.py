"""Read a Delta lake through other engines, and compare what each reads with what chatmart reads.

`python -m benchmarks.engines` makes a lake of invented slices in three shards and prints a Markdown table. pandas,
polars and Spark read every table of the star and answer the ten questions of ``benchmarks/questions``: Spark through
the views of `chatmart views --dialect spark`, the others in their own way, without views. Each engine reads twice: the
first time it opens the table. polars and pyspark are no dependencies of the project: install them beside it, or their
lines are left out, with a sentence.

Spark reads the files that the log names: its package for Delta comes from no registry of Python packages.
"""

import argparse
import importlib.util
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from benchmarks.synthetic_slices import build_accounts, build_chunk, build_measures
from warehouse.ddl.dialects import translate, write_statements
from warehouse.ddl.views import view_queries
from warehouse.model.one_table import TABLE_COLUMN, renamed_column
from warehouse.model.schema import metadata
from warehouse.records import AccountRow
from warehouse.store import LakeSettings, Store, open_store

FIRST, LAST = date(2024, 10, 1), date(2025, 12, 31)
QUESTIONS = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "questions").glob("*.sql"))}
ACCOUNTS_IN_A_COMMIT = 10
FACTS = [table.name for table in metadata.sorted_tables if not table.name.startswith("dim_")]
"""The tables whose rows stand in the lake once."""

Answer = list[tuple[str, ...]]
Ask = Callable[[str], Iterable[Iterable[Any]]]
"""Returns the rows of a question or a table, given its name."""


def to_texts(rows: Iterable[Iterable[Any]]) -> Answer:
    """Return rows as sorted texts: each engine has types of its own for numbers, days and what is not known."""
    return sorted(tuple(map(_to_text, row)) for row in rows)


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return "" if value != value else f"{float(value):.12g}"
    if isinstance(value, date):  # some engines have an instant where others have a day
        if value != value:
            return ""
        instant = value if isinstance(value, datetime) else datetime.combine(value, time.min, UTC)
        return f"{(instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp():.6f}"
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return _to_text(value.item()) if getattr(value, "shape", None) == () else ",".join(map(_to_text, value))
    return "" if value is None else str(value)


def are_equal(answer: Answer, expected: Answer) -> bool:
    """Return whether two answers have the same rows: numbers may differ by a billionth."""
    return len(answer) == len(expected) and all(
        row == other or (len(row) == len(other) and all(map(_are_close, row, other)))
        for row, other in zip(answer, expected, strict=True)
    )


def _are_close(text: str, other: str) -> bool:
    try:
        return text == other or math.isclose(float(text), float(other), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return False


def fill_lake(store: Store, accounts: Sequence[AccountRow]) -> None:
    """Load all days of some accounts, ``ACCOUNTS_IN_A_COMMIT`` at a time."""
    store.set_accounts_and_measures(accounts, build_measures())
    with store.hold_engine():
        for first in range(0, len(accounts), ACCOUNTS_IN_A_COMMIT):
            group = accounts[first : first + ACCOUNTS_IN_A_COMMIT]
            results = store.commit_group([[build_chunk(account, FIRST, LAST)] for account in group])
            assert not [result for result in results if isinstance(result, Exception)]
    store.publish()


def open_chatmart(store: Store) -> Ask:
    """Return the answers of `chatmart sql`."""

    def ask(name: str) -> Iterable[Iterable[Any]]:
        return _rows_of(store.read(QUESTIONS.get(name, f"SELECT * FROM {name}")))

    return ask


def _rows_of(table: pa.Table) -> Iterable[Iterable[Any]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def store_options() -> dict[str, str]:
    """Return the address and the credentials of the object store, as the environment has them."""
    return {name: text for name, text in os.environ.items() if name.startswith("AWS_")}


def open_pandas(address: str) -> Ask:
    """Return tables and answers of pandas. `address` is a folder or the URL of an object store."""
    from benchmarks import engine_questions_pandas

    dataset = DeltaTable(address, storage_options=store_options()).to_pyarrow_dataset()

    def read(table: str, *columns: str) -> Any:
        chosen = {name: pc.field(stored) for name, stored in _columns_of(table).items() if name in columns}
        rows = dataset.to_table(columns=chosen, filter=pc.field(TABLE_COLUMN) == table)
        return rows.to_pandas(types_mapper=_keep_whole_numbers, date_as_object=False)

    def ask(name: str) -> Iterable[Iterable[Any]]:
        if name in QUESTIONS:
            frame = getattr(engine_questions_pandas, name[3:])(read)
        else:
            frame = read(name, *_columns_of(name))
        return frame.astype(object).where(frame.notna(), None).itertuples(index=False)

    return ask


def _columns_of(table: str) -> dict[str, str]:
    """Return the columns of a table, each with its name in the lake."""
    return {name: renamed_column(table, name) for name in metadata.tables[table].columns.keys()}  # noqa: SIM118 - a SQLAlchemy collection


def _keep_whole_numbers(kind: pa.DataType) -> Any:
    import pandas as pd

    return pd.Int64Dtype() if pa.types.is_integer(kind) else None


def open_polars(address: str) -> Ask:
    """Return tables and answers of polars. `address` is a folder or the URL of an object store."""
    import polars as pl  # type: ignore[import-not-found,unused-ignore]

    from benchmarks import engine_questions_polars

    star = pl.scan_delta(address, storage_options=store_options())

    def scan(table: str) -> Any:
        columns = [pl.col(stored).alias(name) for name, stored in _columns_of(table).items()]
        return star.filter(pl.col(TABLE_COLUMN) == table).select(columns)

    def ask(name: str) -> Iterable[Iterable[Any]]:
        query = getattr(engine_questions_polars, name[3:])(scan) if name in QUESTIONS else scan(name)
        rows: Iterable[Iterable[Any]] = query.collect().iter_rows()
        return rows

    return ask


def open_spark(address: str) -> Ask:
    """Return tables, views and answers of Spark. `address` is a folder."""
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        "spark.sql.files.openCostInBytes": "0",  # many files are small, and one task reads many of them
    }
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    table = DeltaTable(address)
    schema = ", ".join(f"`{field.name}` {_spark_type(field.type)}" for field in pa.schema(table.schema().to_arrow()))
    star = spark.read.schema(schema).option("basePath", address).parquet(*table.file_uris())
    star.createOrReplaceTempView("star")
    for statement in write_statements("spark", star="star"):
        spark.sql(statement.replace("CREATE OR REPLACE VIEW", "CREATE OR REPLACE TEMP VIEW", 1).rstrip(";"))

    def ask(name: str) -> Iterable[Iterable[Any]]:
        query = translate(QUESTIONS[name], "spark") if name in QUESTIONS else f"SELECT * FROM {name}"
        rows: Iterable[Iterable[Any]] = spark.sql(query).collect()
        return rows

    return ask


def _spark_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    if pa.types.is_list(kind):
        return f"ARRAY<{_spark_type(kind.value_type)}>"
    names = {
        "int64": "BIGINT",
        "int32": "INT",
        "int16": "SMALLINT",
        "int8": "TINYINT",
        "bool": "BOOLEAN",
        "date32[day]": "DATE",
        "double": "DOUBLE",
    }
    return names.get(str(kind), "STRING")


ENGINES: Mapping[str, tuple[str, Callable[[str], Ask], list[str]]] = {
    "pandas": ("pandas", open_pandas, [*FACTS, *QUESTIONS]),
    "polars": ("polars", open_polars, [*FACTS, *QUESTIONS]),
    "Spark": ("pyspark", open_spark, [*FACTS, *view_queries(), *QUESTIONS]),
}
"""By name: the package, how it is opened, and what it is asked."""


def compare(name: str, open_engine: Callable[[], Ask], questions: list[str], expected: Mapping[str, Answer]) -> str:
    """Ask an engine everything twice. Return its line of the table."""
    began = perf_counter()
    ask = open_engine()
    answers = {question: list(ask(question)) for question in questions}
    first = perf_counter() - began
    began = perf_counter()
    for question in questions:
        list(ask(question))
    second = perf_counter() - began
    others = [question for question in questions if not are_equal(to_texts(answers[question]), expected[question])]
    return f"| {name} | {len(questions)} | {len(others)} {' '.join(others)} | {first:.2f} | {second:.2f} |"


def main() -> None:
    """Make the lake, ask each engine and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=30)
    accounts = parser.parse_args().accounts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "lake"
        store = open_store(f"delta://{folder}", Path(name), lake=LakeSettings(shards=3))
        fill_lake(store, build_accounts(accounts, FIRST))
        everything = [*FACTS, *view_queries(), *QUESTIONS]
        expected = {question: to_texts(open_chatmart(store)(question)) for question in everything}
        print(f"{sum(len(expected[table]) for table in FACTS):,} rows\n")
        print("| engine | tables, views, questions | other answers | first s | again s |\n|---|--:|---|--:|--:|")
        print(compare("chatmart sql", lambda: open_chatmart(store), everything, expected), flush=True)
        for engine, (package, open_engine, questions) in ENGINES.items():
            if importlib.util.find_spec(package) is None:
                print(f"| {engine} | not installed: `pip install {package}` | | | |")
            else:
                print(
                    compare(engine, lambda open_it=open_engine: open_it(str(folder)), questions, expected), flush=True
                )


if __name__ == "__main__":
    main()
