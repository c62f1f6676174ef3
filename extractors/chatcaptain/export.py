"""ChatCaptain's export of single conversations: one job per window, polled, downloaded, landed as it came.

Source: the vendor's REST reference and client: ``POST statistics/export`` answers 202 with the job, whose status is
``{status, downloadUrl?, error?}``. How jobs are kept from being started twice stands in ``export_job``.
"""

import asyncio
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from extractors.chatcaptain.account import (
    build_range_query,
    explain_missing_permission,
    get_chatcaptain_account,
    read_embedded_error,
    statistics_path,
)
from extractors.errors import CredentialRefused, LinkExpired, RequestRefused, ShapeError
from extractors.exports.download import AllowedHosts, DownloadedFile, download_file, register_link_secrets
from extractors.exports.job import ExportJob, ExportJobs, ExportRequest, JobState, JobStatus, Journal, PollSettings
from extractors.http.messages import Request, Response
from extractors.http.session import Session
from extractors.landing.zone import BatchWriter
from extractors.redaction import redact_body
from extractors.windows import Window

STREAM = "export"
JOURNAL = ".export-journal.json"

_STATES: dict[str, JobState] = {
    **dict.fromkeys(("completed", "done", "finished"), "done"),
    **dict.fromkeys(("failed", "error", "cancelled"), "failed"),
    **dict.fromkeys(("pending", "queued", "waiting", "created", "scheduled", "submitted", "accepted"), "waiting"),
}  # any other word: the job is under way


async def fetch_export(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    """Export a window and land the file, decoded, as the batch's only answer. One export at a time per bot."""
    lock: asyncio.Lock = session.run_state.setdefault("export_lock", asyncio.Lock())
    async with lock:
        return await _Export(session, window, batch).run()


class _Export:
    """One window's export."""

    def __init__(self, session: Session, window: Window, batch: BatchWriter) -> None:
        account = get_chatcaptain_account(session)
        self._session = session
        self._where = session.where(STREAM)
        self._batch = batch
        self._path = statistics_path(session, "export")
        self._query = build_range_query(session, window)
        self._purpose = ExportRequest(account.chatbot_id, self._query["from"], self._query["to"])
        self._hosts = AllowedHosts(account.allowed_download_hosts, plain_http=account.base_url.startswith("http://"))
        patience = PollSettings(
            account.export_poll_seconds,
            account.export_start_deadline_seconds,
            account.export_deadline_seconds,
            account.export_retry_minutes,
        )
        journal = Journal(batch.landing.stream_folder(batch.key).parent / JOURNAL)
        self._jobs = ExportJobs(session, STREAM, journal, patience)

    async def run(self) -> dict[str, Any]:
        """A job that an earlier run left, or a new one; once more with a new one when its file is gone."""
        try:
            job = await self._obtain()
            try:
                return await self._land(job)
            except LinkExpired:
                self._jobs.discard_job(self._purpose)
            return await self._land(await self._obtain())
        except CredentialRefused as error:
            raise explain_missing_permission(self._session, error) from error

    async def _obtain(self) -> ExportJob:
        return await self._jobs.adopt_or_start(self._purpose, self._create, self._is_landed)

    async def _land(self, job: ExportJob) -> dict[str, Any]:
        """Wait for a job and land its file; a link that has expired is renewed once."""
        try:
            file = await self._follow(job)
        except LinkExpired:
            file = await self._follow(job)
        asked = Request("POST", self._path, self._query)
        self._batch.end_body(Response(asked, 200, file.headers, file.fetched_at, b"", {"export": job.id}))
        self._batch.set_data_time(job.created_at)
        return {
            "export": job.id,
            "adopted": job.is_adopted,
            "rows": file.rows,
            "bytes": file.bytes,
            "coded_bytes": file.encoded_bytes,
        }

    async def _follow(self, job: ExportJob) -> DownloadedFile:
        try:
            status = await self._jobs.wait_until_done(job, self._purpose, self._status)
        except RequestRefused as error:
            if job.is_adopted and error.status in (404, 410):
                raise LinkExpired(self._where, f"export {job.id} is gone", status=error.status) from error
            raise
        return await download_file(self._session, STREAM, status.link or "", self._hosts, self._batch)

    def _is_landed(self, job_id: str) -> bool:
        key = self._batch.key
        batches = self._batch.landing.list_batches(key.provider, key.account, key.stream)
        return any(b.window == key.window and b.manifest["facts"].get("export") == job_id for b in batches)

    async def _create(self) -> str:
        answer = await self._session.request(
            STREAM, "POST", self._path, query=self._query, send_once=True, allow_empty=True
        )
        said = read_embedded_error(answer)
        if said:
            what = f"HTTP {answer.status}, but the provider says: {said}"
            raise RequestRefused(self._where, what, "check the account's ids and settings", status=answer.status)
        body = answer.json() if answer.body else {}
        told = (body.get("exportId") or body.get("id")) if isinstance(body, dict) else None
        if told is None and "location" in answer.headers:
            told = unquote(urlsplit(answer.headers["location"]).path.rstrip("/").rpartition("/")[2])
        return self._text(answer, "exportId", str(told) if type(told) is int else told)

    async def _status(self, job_id: str) -> JobStatus:
        path = f"{self._path}/{quote(job_id, safe='')}"
        answer = await self._session.request(STREAM, "GET", path)
        body = answer.json()
        _hide_links(body)
        if not isinstance(body, dict):
            self._refuse(answer, "$", "is not an object", body)
        said = read_embedded_error(answer)
        if said:
            return JobStatus("failed", str(body.get("status") or "error"), error=said)
        word = self._text(answer, "status", body.get("status"))
        state = _STATES.get(word.strip().casefold(), "running")
        link = None
        if state == "done":
            link = self._text(answer, "downloadUrl", body.get("downloadUrl") or body.get("downloadLink"))
        return JobStatus(state, word, link)

    def _text(self, answer: Response, field: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            self._refuse(answer, field, "is missing", value)
        return value

    def _refuse(self, answer: Response, field: str, problem: str, value: Any) -> NoReturn:
        self._batch.add(answer, redact_body(answer.body, signatures=True))  # it may hold a link
        raise ShapeError(self._where, field, problem, value)


def _hide_links(told: Any) -> None:
    """Keep every link in a status out of texts, whether or not the status is one that can be read."""
    if isinstance(told, str) and "://" in told:
        register_link_secrets(told)
    for inner in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        _hide_links(inner)
