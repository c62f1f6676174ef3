"""ChatCaptain's export jobs: a book of all that were ever started, their states, their links, and the download.

The download lives on another origin than the API. It takes no credential, and says so when one is sent.
"""

import gzip
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.accounts import SandboxAccount
from sandbox.chatcaptain.export_csv import export_text
from sandbox.http import ApiContext, format_instant, json_response, make_endpoint, record_account

CREDENTIAL_HEADERS = ("authorization", "x-api-key", "x-chatcaptain-key", "cookie")
SIGNER = "exports@storage.invalid"  # the same in every link, as in those of real stores
PIECE = 64 * 1024


@dataclass
class SandboxExportJob:
    """One export that was asked for."""

    id: str
    account: str
    start: datetime
    end: datetime
    polls: int = 0
    links: dict[str, float] = field(default_factory=dict)
    dead_links: int = 0
    downloads: int = 0
    leaked_credentials: int = 0
    status: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The job as plain data."""
        return {**asdict(self), "start": format_instant(self.start), "end": format_instant(self.end)}


def create_job(desk: ApiContext, account: SandboxAccount, first: datetime, last: datetime) -> SandboxExportJob:
    """A new job, written into the book. `last` is inside the range."""
    job = SandboxExportJob(
        f"exp-{uuid4().hex[:16]}", account.name, first, last, dead_links=desk.shapes.export_dead_links
    )
    desk.jobs[job.id] = job
    return job


def poll_job(desk: ApiContext, job: SandboxExportJob) -> dict[str, Any]:
    """The next answer of the job; each one that carries a link signs a fresh one."""
    switches = desk.shapes
    if job.polls < switches.export_polls:
        *before, _ = switches.export_words
        job.status = before[min(job.polls, len(before) - 1)] if before else "pending"
        job.polls += 1
        return {"status": job.status}
    job.polls += 1
    if switches.export_error:
        job.status = "failed"
        return {"status": job.status, "error": switches.export_error}
    job.status = switches.export_words[-1]
    signature = uuid4().hex
    dead = len(job.links) < job.dead_links
    job.links[signature] = 0.0 if dead else time.monotonic() + switches.export_link_seconds
    url = f"{desk.download_base}/exports/{job.id}.csv?signer={quote(SIGNER)}&signature={signature}"
    return {"status": job.status, switches.export_link: url}


def download_routes(desk: ApiContext) -> list[Route]:
    """The endpoints of the download origin."""
    return [Route("/exports/{file}", make_endpoint(desk, download), methods=["GET"])]


async def download(desk: ApiContext, request: Request) -> Response:
    """The file of a completed job, streamed, for whoever holds a fresh signature and shows no key."""
    job = desk.jobs.get(request.path_params["file"].removesuffix(".csv"))
    if job is None:
        return json_response({"error": "no such object"}, 404)
    account = desk.world.accounts[job.account]
    record_account(request, account)
    if any(name in request.headers for name in CREDENTIAL_HEADERS):
        job.leaked_credentials += 1
        return json_response({"error": "a credential was sent to the storage host"}, 400)
    if request.query_params.get("signer") != SIGNER:
        return json_response({"error": "the link is not whole"}, 403)
    if job.links.get(request.query_params.get("signature", ""), 0.0) < time.monotonic():
        return json_response({"error": "the signature is wrong or has expired"}, 403)
    job.downloads += 1
    text = export_text(desk, account, job.start, job.end)
    headers = {"content-type": "text/csv; charset=utf-8"}
    switches = desk.shapes
    if not (switches.csv_length or switches.csv_gzip or switches.csv_cut_bytes):
        return StreamingResponse(_parts(piece.encode() for piece in text), headers=headers)
    body = "".join(text).encode()
    if switches.csv_gzip:
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    if switches.csv_length:
        headers["content-length"] = str(len(body))
    body = body[: len(body) - switches.csv_cut_bytes]
    return StreamingResponse(_parts(body[at : at + PIECE] for at in range(0, len(body), PIECE)), headers=headers)


async def _parts(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
