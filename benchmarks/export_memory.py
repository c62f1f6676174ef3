"""Measure peak memory and CPU time of one export job, from HTTP to the warehouse, by number of rows.

A server in another process streams a CSV of invented rows. Extraction and loading each run in their own process, so
that a peak belongs to one step. Nothing here is a test: figures go into docs/, with versions.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

MONTH = (date(2025, 3, 1), date(2025, 4, 1))
CHANNELS = ("web", "meta-whatsapp", "voice", "email")


def generate_csv(count: int) -> Iterator[bytes]:
    """Yield a CSV of ``count`` conversations spread over the month, in pieces of a few hundred kilobytes."""
    yield b"conversationId,startedAt,channelType,language,messages,userMessages,intents,intentScore,contactId,note\n"
    days = (MONTH[1] - MONTH[0]).days
    piece = []
    for number in range(count):
        day = MONTH[0] + timedelta(days=number % days)
        second = number % 86_000
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        piece.append(
            f'c{number:09},{day}T{clock}Z,{CHANNELS[number % 4]},de,{number % 40},{number % 20},"order|status",,'
            f'user-{number % 50_000},"a free text, with a comma and some length, number {number}"\n'
        )
        if len(piece) == 4000:
            yield "".join(piece).encode()
            piece = []
    yield "".join(piece).encode()


def serve(port: int, count: int) -> None:
    """Serve the export API and its download on one port until killed."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    def create(_request: Request) -> Response:
        return JSONResponse({"exportId": "e1"}, 202)

    def status(_request: Request) -> Response:
        return JSONResponse({"status": "completed", "downloadUrl": f"http://127.0.0.1:{port}/file.csv"})

    def download(_request: Request) -> Response:
        return StreamingResponse(generate_csv(count), media_type="text/csv")

    base = "/v1/chatbots/c1/statistics/export"
    app = Starlette(
        routes=[
            Route(base, create, methods=["POST"]),
            Route(f"{base}/e1", status),
            Route("/file.csv", download),
        ]
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def run_step(name: str, folder: Path) -> None:
    """Extract or load in this process, and print rows, seconds, CPU seconds and peak megabytes."""
    from extractors.windows import Window
    from pipelines.configuration import config as configuration
    from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches
    from pipelines.loads.workspace import Workspace

    workspace = Workspace.open(configuration.load_config(folder / "chatmart.yaml"))
    jobs = [LoadJob(account, tuple(Window(*MONTH).days())) for account in workspace.config.accounts]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if name == "extract":
        result = fetch_jobs(workspace, jobs)
    else:
        result = load_landed_batches(workspace, jobs, workspace.clock.now() - timedelta(hours=1))
    used = resource.getrusage(resource.RUSAGE_SELF)
    errors = [error for outcome in result.outcomes for error in outcome.errors]
    cpu = used.ru_utime + used.ru_stime
    print(
        f"{time.monotonic() - began:.1f} | {cpu:.1f} | {used.ru_maxrss / 1024:.0f} ({before / 1024:.0f} before)",
        *errors,
    )


async def wait_for_listener(port: int) -> None:
    """Return when a server listens on the port."""
    while True:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def measure(count: int, port: int) -> None:
    """Print the table's lines for extraction and for loading."""
    server = subprocess.Popen([sys.executable, __file__, "serve", str(port), str(count)])
    try:
        asyncio.run(wait_for_listener(port))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "chatmart.yaml").write_text(
                "accounts:\n  - {name: voice, provider: chatcaptain, chatbot_id: c1, api_key: '${BENCH_KEY}', "
                f"streams: [export], base_url: 'http://127.0.0.1:{port}', download_hosts: [127.0.0.1], "
                "export_poll_seconds: [0.05, 0.1]}\n"
            )
            for part in ("extract", "load"):
                environment = {**os.environ, "BENCH_KEY": "invented-key"}
                command = [sys.executable, __file__, part, str(folder)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                print(f"| {count:,} | {part} | {' | '.join(done.stdout.strip().split(' | '))} |", flush=True)
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Print the table, or run one of the processes that it needs."""
    if len(sys.argv) == 4 and sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    elif len(sys.argv) == 3 and sys.argv[1] in ("extract", "load"):
        run_step(sys.argv[1], Path(sys.argv[2]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000])
        parser.add_argument("--port", type=int, default=8790)
        options = parser.parse_args()
        print("| rows | step | wall s | CPU s | peak MB |\n|---|---|---|---|---|")
        for count in options.rows:
            measure(count, options.port)


if __name__ == "__main__":
    main()
