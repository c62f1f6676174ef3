"""ChatCaptain's export of single conversations: one job per window, polled, downloaded, landed as it came.

Source: the vendor's REST reference and client. ``POST statistics/export`` returns 202 with the job, whose status is
``{status, downloadUrl?, error?}``. ``extractors.exports.job`` keeps a job from being started twice. The rows of the
file are not read here.
"""

import asyncio
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.client import (
    build_range_query,
    explain_missing_permission,
    statistics_path,
)
from extractors.chatcaptain.contexts import ExportContext
from extractors.errors import CredentialRefused, LinkExpired, RequestRefused, ShapeError, Transient
from extractors.exports.download import DownloadedFile, download_file
from extractors.exports.hosts import AllowedHosts, register_link_secrets
from extractors.exports.job import ExportJob, ExportJobs, JobState, JobStatus, PollSettings
from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from extractors.http.messages import BodyRules, Request, Response
from extractors.http.session import Session
from extractors.json_body import replace_lone_surrogates
from extractors.landing.writer import BatchWriter
from extractors.provider_message import FAILURE_KEYS, find_reported_failure
from extractors.redaction import redact_body
from extractors.windows import Window

STREAM = "export"
JOURNAL_NAME = ".export-journal.json"

_STATES: dict[str, JobState] = {
    **dict.fromkeys(("completed", "complete", "done", "finished", "success", "succeeded", "successful"), "done"),
    **dict.fromkeys(("failed", "failure", "error", "cancelled", "canceled", "aborted", "expired"), "failed"),
    **dict.fromkeys(("pending", "queued", "waiting", "created", "scheduled", "submitted", "accepted"), "waiting"),
}
"""In any letter case. Any other word means that the job is under way: an unknown status is a slow poll, no hot loop."""

_CREATION_STATUSES = (200, 201, 202)  # 202 is documented; the id or a Location header tells that a job exists
_LINK_GRACE_SECONDS = 60.0  # a job may be done a moment before its file has a link


async def fetch_export(session: Session[ChatcaptainAccount], window: Window, batch: BatchWriter) -> dict[str, Any]:
    """Export a window of local days, land the decoded file as the batch's only response, and return its numbers.

    One export at a time per bot. Raises the errors of ``extractors.exports``, ShapeError and CredentialRefused.
    """
    lock: asyncio.Lock = session.run_state.setdefault("export_lock", asyncio.Lock())
    async with lock:
        return await _WindowExport(session, window, batch).run()


class _WindowExport:
    """The export of one window."""

    def __init__(self, session: Session[ChatcaptainAccount], window: Window, batch: BatchWriter) -> None:
        account = session.account
        self._session = session
        self._where = session.where(STREAM)
        self._batch = batch
        self._path = statistics_path(account, "export")
        self._query = build_range_query(account, window)
        self._export_request = ExportRequest(account.chatbot_id, self._query["from"], self._query["to"])
        self._hosts = AllowedHosts(account.allowed_download_hosts, plain_http=account.base_url.startswith("http://"))
        poll_settings = PollSettings(
            account.export_poll_seconds,
            account.export_start_deadline_seconds,
            account.export_deadline_seconds,
            account.export_retry_minutes,
        )
        journal = Journal(batch.log.folder / JOURNAL_NAME)
        self._jobs = ExportJobs(session, STREAM, journal, poll_settings)
        self._link_deadline: float | None = None

    async def run(self) -> dict[str, Any]:
        """Land the file of an adopted or new job; start one more job when that file has expired."""
        try:
            job = await self._obtain_job()
            try:
                return await self._land_file(job)
            except LinkExpired:
                await self._jobs.discard_job(self._export_request)
            return await self._land_file(await self._obtain_job())
        except CredentialRefused as error:
            raise explain_missing_permission(self._session.account, error) from error

    async def _obtain_job(self) -> ExportJob:
        return await self._jobs.adopt_or_start(self._export_request, self._create_job, self._is_outdated)

    async def _land_file(self, job: ExportJob) -> dict[str, Any]:
        """Wait for a job and land its file. An expired link is renewed once."""
        try:
            file = await self._download_result(job)
        except LinkExpired:
            file = await self._download_result(job)
        request = Request("POST", self._path, self._query)
        context: ExportContext = {"export": job.id, "counts": file.counts.to_json()}
        if not file.is_end_confirmed:
            context["is_end_confirmed"] = False
        self._batch.end_body(Response(request, 200, file.headers, file.fetched_at, b"", context))
        self._batch.set_data_time(job.created_at)
        return {
            "export": job.id,
            "adopted": job.is_adopted,
            "rows": file.rows,
            "bytes": file.bytes,
            "coded_bytes": file.encoded_bytes,
        }

    async def _download_result(self, job: ExportJob) -> DownloadedFile:
        self._link_deadline = None
        try:
            status = await self._jobs.wait_until_done(job, self._export_request, self._fetch_status)
        except RequestRefused as error:
            if job.is_adopted and error.status in (404, 410):
                raise LinkExpired(self._where, f"export {job.id} is gone", status=error.status) from error
            raise
        try:
            file = await download_file(self._session, STREAM, status.link or "", self._hosts, self._batch)
        except Transient as error:
            self._jobs.record_file(error)
            if job.is_adopted:  # a file that comes in no run would block its days until the job is too old
                await self._jobs.discard_job(self._export_request)
            raise
        self._jobs.record_file()
        return file

    def _is_outdated(self, entry: JournalEntry) -> bool:
        """Return whether the file of a job is landed, or its days have been landed since the job was requested."""
        return any(
            batch.manifest["facts"].get("export") == entry.job_id
            or (batch.fetched_at > entry.requested_at and batch.is_complete)
            for batch in self._batch.list_landed()
        )

    async def _create_job(self) -> str:
        """Request a new job once and return its id, from the body or else from the ``Location`` header."""
        rules = BodyRules(statuses=_CREATION_STATUSES, allow_empty=True)
        response = await self._session.request(
            STREAM, "POST", self._path, query=self._query, send_once=True, body_rules=rules, is_landed=False
        )
        body = response.root if response.body else {}
        job_id = (body.get("exportId") or body.get("id")) if isinstance(body, dict) else None
        if job_id is None and "location" in response.headers:
            job_id = unquote(urlsplit(response.headers["location"]).path.rstrip("/").rpartition("/")[2])
        return self._require_text(response, "exportId", str(job_id) if type(job_id) is int else job_id)

    async def _fetch_status(self, job_id: str) -> JobStatus:
        path, rules = f"{self._path}/{quote(job_id, safe='')}", BodyRules(allow_failure=True)
        response = await self._session.request(STREAM, "GET", path, body_rules=rules, is_landed=False)
        body = response.root
        _register_links(body)
        if not isinstance(body, dict):
            self._refuse_shape(response, "$", "is not an object", body)
        if any(map(body.get, FAILURE_KEYS)):
            return JobStatus("failed", str(body.get("status") or "error"), error=find_reported_failure(body))
        raw_status = self._require_text(response, "status", body.get("status"))
        state = _STATES.get(raw_status.strip().casefold(), "running")
        if state != "done":
            return JobStatus(state, raw_status)
        link = body.get("downloadUrl") or body.get("downloadLink")
        if not link and self._is_link_awaited():
            return JobStatus("running", raw_status)
        return JobStatus(state, raw_status, self._require_text(response, "downloadUrl", link))

    def _is_link_awaited(self) -> bool:
        now = self._session.clock.monotonic()
        if self._link_deadline is None:
            self._link_deadline = now + _LINK_GRACE_SECONDS
        return now < self._link_deadline

    def _require_text(self, response: Response, field: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            self._refuse_shape(response, field, "is missing", value)
        return replace_lone_surrogates(value)

    def _refuse_shape(self, response: Response, field: str, problem: str, value: Any) -> NoReturn:
        self._batch.add(replace(response, body=redact_body(response.body, signatures=True)))  # it may hold a link
        raise ShapeError(self._where, field, problem, value)


def _register_links(value: Any) -> None:
    """Register the secrets of every link in a status for redaction, also in a status of an unknown shape."""
    if isinstance(value, str) and "://" in value:
        register_link_secrets(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _register_links(inner)
