"""The floor of daily requests: httpx, eight at once, and the raw bodies as rows of a DuckDB table. Nothing else.

Arguments: the server's origin, the DuckDB file.
"""

import asyncio
import sys
from datetime import datetime, time, timedelta

import duckdb
import httpx
import pyarrow as pa

from benchmarks.compare.server import ACCOUNTS, DAYS, FIRST_DAY

AT_ONCE = 8


async def fetch_all(origin: str) -> list[tuple[str, str, str]]:
    """Return project, day and body of every request."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def fetch_one(client: httpx.AsyncClient, project: str, offset: int) -> tuple[str, str, str]:
        day = FIRST_DAY + timedelta(days=offset)
        start = datetime.combine(day, time()).isoformat(timespec="milliseconds") + "Z"
        end = f"{day}T23:59:59.999Z"
        query = {"query": [{"metrics": ["conversations"], "filter": {"startTime": start, "endTime": end}}]}
        async with gate:
            response = await client.post(f"{origin}/projects/{project}/analytics/query", json=query)
        response.raise_for_status()
        return project, str(day), response.text

    async with httpx.AsyncClient() as client:
        return await asyncio.gather(*(fetch_one(client, name, day) for name in ACCOUNTS for day in range(DAYS)))


def main() -> None:
    """Fetch and store."""
    rows = asyncio.run(fetch_all(sys.argv[1]))
    columns = dict(zip(("project", "day", "body"), map(list, zip(*rows, strict=True)), strict=True))
    raw = pa.table(columns)  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect(sys.argv[2]) as engine:
        engine.execute("CREATE TABLE raw AS SELECT * FROM raw")
        conversations = "sum(CAST(json_extract(body, '$.conversations.total') AS BIGINT))"
        engine.execute(f"CREATE TABLE total AS SELECT {conversations} AS conversations FROM raw")


if __name__ == "__main__":
    main()
