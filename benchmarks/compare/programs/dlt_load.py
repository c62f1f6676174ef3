"""dlt, tuned: parallel requests, Parquet loader files, no nested tables; an export as Arrow batches.

Arguments: `requests` or `export`, the server's origin, the DuckDB file. It runs in an environment of its own.
"""

import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dlt
import pyarrow.csv
from dlt.sources.helpers import requests

ACCOUNTS = ("p1", "p2", "p3", "p4")
FIRST_DAY = date(2025, 1, 1)
DAYS = 250


def fetch_days(origin: str) -> Any:
    """Return the resource of all days of all accounts."""

    @dlt.resource(name="days")
    def list_days() -> Iterator[list[dict[str, str]]]:
        yield [
            {"project": project, "day": str(FIRST_DAY + timedelta(days=offset))}
            for project in ACCOUNTS
            for offset in range(DAYS)
        ]

    @dlt.transformer(name="raw", data_from=list_days, max_table_nesting=0)
    def fetch(days: list[dict[str, str]]) -> Iterator[Any]:
        session = requests.Client().session

        @dlt.defer
        def fetch_one(entry: dict[str, str]) -> dict[str, Any]:
            times = {"startTime": f"{entry['day']}T00:00:00.000Z", "endTime": f"{entry['day']}T23:59:59.999Z"}
            query = {"query": [{"metrics": ["conversations"], "filter": times}]}
            response = session.post(f"{origin}/projects/{entry['project']}/analytics/query", json=query)
            response.raise_for_status()
            return {**entry, **response.json()}

        for entry in days:
            yield fetch_one(entry)

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
    kind, origin, store = sys.argv[1:]
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
