"""The floor of an export: httpx streams the file to disk, DuckDB reads it into a table of texts. Nothing else.

Arguments: the server's origin, the DuckDB file.
"""

import sys
from pathlib import Path

import duckdb
import httpx


def main() -> None:
    """Start the job, download its file and store its rows."""
    origin, store = sys.argv[1], sys.argv[2]
    export = f"{origin}/v1/chatbots/c1/statistics/export"
    file = Path(store).with_suffix(".csv")
    with httpx.Client() as client:
        job = client.post(export).json()["exportId"]
        link = client.get(f"{export}/{job}").json()["downloadUrl"]
        with client.stream("GET", link) as response, file.open("wb") as target:
            for piece in response.iter_bytes():
                target.write(piece)
    with duckdb.connect(store) as engine:
        engine.execute("CREATE TABLE raw AS SELECT * FROM read_csv(?, all_varchar = true)", [str(file)])
        engine.execute("CREATE TABLE total AS SELECT count(*) AS conversations FROM raw")


if __name__ == "__main__":
    main()
