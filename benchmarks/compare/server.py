"""A loopback server with two APIs, cheap to serve: ChatDash's daily analytics, and a ChatCaptain export of many rows.

`python -m benchmarks.compare.server [CSV]` prints its port and serves until killed. It speaks only the HTTP that is
needed: a response for each request, with a length, on connections that stay open. ``expected_conversations`` and
``write_csv`` know what is served, so that a contestant that loads something else is not compared.
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from benchmarks.compare.programs.days import list_days

EXPORT = "/v1/chatbots/c1/statistics/export"
EXPORT_MONTH = (date(2025, 3, 1), date(2025, 4, 1))
_COUNTER = "/_requests"
_CHANNELS = ("web", "meta-whatsapp", "voice", "email")
_ROWS_PER_PIECE = 4000


def count_conversations(project: str, day: date) -> int:
    """Return the conversations of a day of the project `p<number>`."""
    return (day.toordinal() * 7 + int(project[1:]) * 13) % 97


def expected_conversations(request_count: int) -> int:
    """Return the conversations of the first ``request_count`` daily requests."""
    return sum(count_conversations(project, day) for project, day in list_days(request_count))


@cache
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
        file.write(
            b"conversationId,startedAt,channelType,language,messages,userMessages,intents,intentScore,contactId,note\n"
        )
        for first in range(0, row_count, _ROWS_PER_PIECE):
            numbers = range(first, min(first + _ROWS_PER_PIECE, row_count))
            file.write("".join(map(_format_row, numbers)).encode())


def _format_row(number: int) -> str:
    day = EXPORT_MONTH[0] + timedelta(days=number % (EXPORT_MONTH[1] - EXPORT_MONTH[0]).days)
    second = number % 86_000
    return (
        f"c{number:09},{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z,{_CHANNELS[number % 4]},de,"
        f'{number % 40},{number % 20},"order|status",,user-{number % 50_000},'
        f'"a free text, with a comma and some length, number {number}"\n'
    )


@dataclass(frozen=True)
class LoopbackServer:
    """A server in a process of its own."""

    origin: str

    def take_request_count(self) -> int:
        """Return the number of requests since the last call."""
        with urllib.request.urlopen(self.origin + _COUNTER) as response:
            return int(response.read())


@contextmanager
def run_server(csv_path: Path | None = None) -> Iterator[LoopbackServer]:
    """Run the server in another process."""
    command = [sys.executable, "-m", "benchmarks.compare.server", *([str(csv_path)] if csv_path else [])]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield LoopbackServer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


class _Service:
    def __init__(self, csv_path: Path | None) -> None:
        self._csv_path = csv_path
        self._request_count = 0
        self.port = 0

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                target = target.partition("?")[0]
                body = await reader.readexactly(_read_length(head))
                self._request_count += 1
                if target == "/file.csv" and self._csv_path:
                    await _send_file(writer, self._csv_path)
                else:
                    status, content = self._respond(method, target, body)
                    writer.write(_build_head(status, "application/json", len(content)) + content)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has closed the connection
        finally:
            writer.close()

    def _respond(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        """Return status and body of a response."""
        if target == _COUNTER:
            count, self._request_count = self._request_count - 1, 0
            return "200 OK", str(count).encode()
        if target.endswith("/analytics/query"):
            start = json.loads(body)["query"][0]["filter"]["startTime"]
            day = datetime.fromisoformat(start).astimezone(UTC).date()
            return "200 OK", build_analytics(target.split("/")[2], day)
        if target == EXPORT and method == "POST":
            return "202 Accepted", b'{"exportId": "e1"}'
        if target == f"{EXPORT}/e1":
            link = f"http://127.0.0.1:{self.port}/file.csv"
            return "200 OK", json.dumps({"status": "completed", "downloadUrl": link}).encode()
        return "404 Not Found", b"{}"


def _read_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _build_head(status: str, media_type: str, length: int) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n".encode()


async def _send_file(writer: asyncio.StreamWriter, path: Path) -> None:
    with path.open("rb") as file:
        writer.write(_build_head("200 OK", "text/csv", os.fstat(file.fileno()).st_size))
        await writer.drain()
        await asyncio.get_running_loop().sendfile(writer.transport, file)


async def serve(csv_path: Path | None) -> None:
    """Serve on a free port of the loopback address, which is printed first, until killed."""
    service = _Service(csv_path)
    server = await asyncio.start_server(service.serve_connection, "127.0.0.1", 0, backlog=512)
    service.port = server.sockets[0].getsockname()[1]
    print(service.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
