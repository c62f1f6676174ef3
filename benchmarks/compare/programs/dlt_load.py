"""dlt, tuned: parallel requests, Parquet loader files, no nested tables; an export as Arrow batches.

Arguments: the server's origin, the DuckDB file, `requests` or `export`. It runs in an environment of its own.
"""

import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dlt
import pyarrow.csv
from days import build_query, list_days
from dlt.sources.helpers import requests


def fetch_days(origin: str) -> Any:
    """Return the resource of all days of all accounts."""

    @dlt.resource(name="days")
    def yield_days() -> Iterator[list[tuple[str, date]]]:
        yield list_days()

    @dlt.transformer(name="raw", data_from=yield_days, max_table_nesting=0)
    def fetch(days: list[tuple[str, date]]) -> Iterator[Any]:
        session = requests.Client().session

        @dlt.defer
        def fetch_one(project: str, day: date) -> dict[str, Any]:
            response = session.post(f"{origin}/projects/{project}/analytics/query", json=build_query(day))
            response.raise_for_status()
            return {"project": project, "day": str(day), **response.json()}

        for project, day in days:
            yield fetch_one(project, day)

    return fetch


def fetch_export(origin: str) -> Any:
    """Return the resource of the export's rows, as Arrow batches."""

    @dlt.resource(name="raw")
    def fetch() -> Iterator[Any]:
        export = f"{origin}/v1/chatbots/c1/statistics/export"
        job = requests.post(export).json()["exportId"]
        link = requests.get(f"{export}/{job}").json()["downloadUrl"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "export.csv"
            with requests.get(link, stream=True) as response, file.open("wb") as target:
                for piece in response.iter_content(2**20):
                    target.write(piece)
            yield from pyarrow.csv.open_csv(file)

    return fetch


def main() -> None:
    """Run the pipeline and leave its total in the file."""
    origin, store, kind = sys.argv[1:]
    pipeline = dlt.pipeline(
        "compare", destination=dlt.destinations.duckdb(store), dataset_name="main_raw", pipelines_dir=f"{store}.state"
    )
    resource = fetch_days(origin) if kind == "requests" else fetch_export(origin)
    pipeline.run(resource, loader_file_format="parquet", write_disposition="replace")
    measure = "sum(CAST(json_extract(conversations, '$.total') AS BIGINT))" if kind == "requests" else "count(*)"
    with pipeline.sql_client() as client:
        client.execute_sql(f"CREATE TABLE main.total AS SELECT {measure} AS conversations FROM raw")


if __name__ == "__main__":
    main()
