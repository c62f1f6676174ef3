"""ChatCaptain's export jobs: their states, their links, and the download.

The download is on another origin than the API. It takes no credential, and refuses a request that sends one. The text
of the file is in `export_csv`.
"""

import codecs
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

from sandbox.account import SandboxAccount
from sandbox.chatcaptain.export_csv import generate_export_text
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.http import ApiContext, format_instant, make_endpoint, make_json_response, record_account

CREDENTIAL_HEADERS = ("authorization", "x-api-key", "x-chatcaptain-key", "cookie")
SIGNER = "exports@storage.invalid"  # the same in every link, as in the links of real stores
PIECE_BYTES = 64 * 1024
Context = ApiContext[ChatcaptainShapes]


@dataclass
class SandboxExportJob:
    """One export job. `start` and `end` are instants in UTC, both inside the range.

    `links` holds the end of validity of each link (`time.monotonic` seconds) by signature; `leaked_credentials` counts
    downloads that were requested with a credential.
    """

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
        """Return the job as plain data."""
        return {**asdict(self), "start": format_instant(self.start), "end": format_instant(self.end)}


def create_job(context: Context, account: SandboxAccount, first: datetime, last: datetime) -> SandboxExportJob:
    """Return a new job, noted in the context's jobs. Both instants are inside the range."""
    job = SandboxExportJob(
        f"exp-{uuid4().hex[:16]}", account.name, first, last, dead_links=context.shapes.export_dead_links
    )
    context.jobs[job.id] = job
    return job


def poll_job(context: Context, job: SandboxExportJob) -> dict[str, Any]:
    """Return the next status body of the job. Each body of a finished job has a newly signed link."""
    shapes = context.shapes
    if job.polls < shapes.export_polls:
        *before, _ = shapes.export_words
        job.status = before[min(job.polls, len(before) - 1)] if before else "pending"
        job.polls += 1
        return {"status": job.status}
    job.polls += 1
    if shapes.export_error:
        job.status = "failed"
        return {"status": job.status, "error": shapes.export_error}
    job.status = shapes.export_words[-1]
    signature = uuid4().hex
    is_dead = len(job.links) < job.dead_links
    job.links[signature] = 0.0 if is_dead else time.monotonic() + shapes.export_link_seconds
    url = f"{context.download_base}/exports/{job.id}.csv?signer={quote(SIGNER)}&signature={signature}"
    return {"status": job.status, shapes.export_link: url}


def build_download_routes(context: Context) -> list[Route]:
    """Return the endpoints of the download origin."""
    return [Route("/exports/{file}", make_endpoint(context, serve_download), methods=["GET"])]


async def serve_download(context: Context, request: Request) -> Response:
    """Stream the file of a completed job to a request with a valid signature and without a credential."""
    job: SandboxExportJob | None = context.jobs.get(request.path_params["file"].removesuffix(".csv"))
    if job is None:
        return make_json_response({"error": "no such object"}, 404)
    account = context.world.accounts[job.account]
    record_account(request, account)
    if any(name in request.headers for name in CREDENTIAL_HEADERS):
        job.leaked_credentials += 1
        return make_json_response({"error": "a credential was sent to the storage host"}, 400)
    if request.query_params.get("signer") != SIGNER:
        return make_json_response({"error": "the link is not whole"}, 403)
    if job.links.get(request.query_params.get("signature", ""), 0.0) < time.monotonic():
        return make_json_response({"error": "the signature is wrong or has expired"}, 403)
    job.downloads += 1
    text = generate_export_text(context, account, job.start, job.end)
    shapes = context.shapes
    headers = {"content-type": f"text/csv; charset={shapes.csv_encoding}"}
    pieces = codecs.iterencode(text, shapes.csv_encoding)
    if not (shapes.csv_length or shapes.csv_gzip or shapes.csv_packed or shapes.csv_cut_bytes):
        return StreamingResponse(_iterate_asynchronously(pieces), headers=headers)
    body = b"".join(pieces)
    if shapes.csv_packed:
        body = gzip.compress(body)
    if shapes.csv_gzip:
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    if shapes.csv_length:
        headers["content-length"] = str(len(body))
    body = body[: len(body) - shapes.csv_cut_bytes]
    return StreamingResponse(
        _iterate_asynchronously(body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)), headers=headers
    )


async def _iterate_asynchronously(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
