"""The floor of daily requests: httpx, eight at once, and the raw bodies as rows of a DuckDB table. Nothing else.

Arguments: the server's origin, the DuckDB file, the number of requests.
"""

import asyncio
import sys
from datetime import date

import duckdb
import httpx
from days import build_query, list_days

AT_ONCE = 8


async def fetch_all(origin: str, count: int) -> list[tuple[str, str, str]]:
    """Return project, day and body of every request."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def fetch_one(client: httpx.AsyncClient, project: str, day: date) -> tuple[str, str, str]:
        async with gate:
            response = await client.post(f"{origin}/projects/{project}/analytics/query", json=build_query(day))
        response.raise_for_status()
        return project, str(day), response.text

    async with httpx.AsyncClient() as client:
        return await asyncio.gather(*(fetch_one(client, project, day) for project, day in list_days(count)))


def main() -> None:
    """Fetch and store."""
    rows = asyncio.run(fetch_all(sys.argv[1], int(sys.argv[3])))
    columns = [list(column) for column in zip(*rows, strict=True)]
    with duckdb.connect(sys.argv[2]) as engine:
        select = "SELECT unnest(?) AS project, unnest(?) AS day, unnest(?) AS body"
        engine.execute(f"CREATE TABLE raw AS {select}", columns)
        conversations = "sum(CAST(json_extract(body, '$.conversations.total') AS BIGINT))"
        engine.execute(f"CREATE TABLE total AS SELECT {conversations} AS conversations FROM raw")


if __name__ == "__main__":
    main()
