"""A loopback server with two APIs, cheap to serve: ChatDash's daily analytics, and a ChatCaptain export of many rows.

`python -m benchmarks.compare.server CSV` prints its port and serves until killed. ``expected_conversations`` and
``write_csv`` know what is served, so that a contestant that loads something else is not compared.
"""

import json
import socket
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.export_memory import generate_csv

ACCOUNTS = ("p1", "p2", "p3", "p4")
FIRST_DAY = date(2025, 1, 1)
DAYS = 250


def count_conversations(project: str, day: date) -> int:
    """Return the conversations of a project's day."""
    return (day.toordinal() * 7 + ACCOUNTS.index(project) * 13) % 97


def expected_conversations() -> int:
    """Return the conversations of all days of all accounts."""
    days = [FIRST_DAY + timedelta(days=offset) for offset in range(DAYS)]
    return sum(count_conversations(project, day) for project in ACCOUNTS for day in days)


def build_analytics(project: str, day: date) -> bytes:
    """Return the response for one project and day, in the size of a real one."""
    count = count_conversations(project, day)
    body = {
        "conversations": {"counts": [count], "total": count},
        "conversationsByCountry": [{"id": code, "value": count // 5} for code in ("DE", "AT", "CH", "FR", "IT")],
        "uniqueIps": {"counts": [count // 2], "total": count // 2},
        "totalCallDuration": {"counts": [count * 1.5], "total": count * 1.5},
        "totalCost": {"counts": [count * 0.0125], "total": count * 0.0125, "currency": "EUR"},
        "averageCost": {"counts": [0.0125], "average": 0.0125, "currency": "EUR"},
        "endedReason": [{"reason": name, "count": count // 3} for name in ("hangup", "transfer", "timeout")],
        "topMisunderstoodMessages": [{"id": f"m{n}", "label": f"what is {n}", "count": 1} for n in range(5)],
        "topTopics": [{"id": f"t{n}", "label": f"topic {n}", "count": count // (n + 1)} for n in range(10)],
        "interactions": {"counts": [count * 4], "total": count * 4},
        "incomingTextMessages": {"counts": [count * 3], "total": count * 3},
        "tokens": [{"model": f"model-{n}", "count": count * 100} for n in range(3)],
        "topIntents": [{"name": f"intent {n}", "count": count // (n + 1)} for n in range(10)],
        "understoodMessages": {"total": count * 3, "understood": count * 2, "missed": count},
        "averageInteractions": 4.0,
    }
    return json.dumps(body).encode()


def write_csv(path: Path, row_count: int) -> None:
    """Write an export of ``row_count`` conversations, spread over the month."""
    with path.open("wb") as file:
        file.writelines(generate_csv(row_count))


def serve(csv_path: Path) -> None:
    """Serve on a free port of the loopback address, which is printed first, until killed."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    async def serve_analytics(request: Request) -> Response:
        query = json.loads(await request.body())["query"][0]["filter"]
        day = datetime.fromisoformat(query["startTime"]).astimezone(UTC).date()
        return Response(build_analytics(request.path_params["project"], day), media_type="application/json")

    async def create_export(_request: Request) -> Response:
        return JSONResponse({"exportId": "e1"}, 202)

    async def serve_status(_request: Request) -> Response:
        return JSONResponse({"status": "completed", "downloadUrl": f"http://127.0.0.1:{port}/file.csv"})

    async def serve_file(_request: Request) -> Response:
        return FileResponse(csv_path, media_type="text/csv")

    export = "/v1/chatbots/c1/statistics/export"
    routes = [
        Route("/projects/{project}/analytics/query", serve_analytics, methods=["POST"]),
        Route(export, create_export, methods=["POST"]),
        Route(f"{export}/e1", serve_status),
        Route("/file.csv", serve_file),
    ]
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error")).run([listener])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
