"""The faults of an export: its job, its link and its file. A part of the catalogue ``faults``."""

from datetime import timedelta
from typing import Any

from sandbox.recorder import Fault
from tests.support.fault_case import FOREVER, VOICE, FaultCase

_UNCERTAIN = (
    r"may or may not run; .*and the days without an export wait; run the same command again after .*"
    r"export_retry_minutes: 30\); the answers of the other streams are landed meanwhile"
)
_SHORT = {"export_start_deadline_seconds": 0.3, "export_deadline_seconds": 0.5}
_EXPIRED_TOKEN = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>Invalid argument.</Message></Error>"
_LATER = "run the same command again later"
_AWAY = "http://files.example.test/elsewhere"


def _job(**more: Any) -> Fault:
    return Fault(path="/statistics/export", method="POST", **more)


def _file(status: int = 200, body: str = "", **headers: str) -> Fault:
    return Fault(path="/exports/", status=status, body=body, headers=headers)


_EXPORTS = (
    FaultCase(
        "export: connection lost after the create request",
        "sent one create request, started no other job",
        10,
        (_job(kind="after"),),
        error_pattern=_UNCERTAIN,
        export_jobs=(1, 2),
        rerun_after=timedelta(minutes=31),
        can_run_as_command=True,
    ),
    FaultCase(
        "export: 408 to the create request",
        "sent one create request, started no other job",
        10,
        (_job(status=408),),
        error_pattern=_UNCERTAIN,
        export_jobs=(0, 1),
        rerun_after=timedelta(minutes=31),
    ),
    FaultCase(
        "export: 500 to the create request",
        "sent one create request, started no other job",
        10,
        (_job(status=500),),
        error_pattern=_UNCERTAIN,
        export_jobs=(0, 1),
        rerun_after=timedelta(minutes=31),
    ),
    FaultCase(
        "export: 429 to the create request",
        "waited 7 s, repeated the request: no job had been created",
        15,
        (_job(status=429, headers={"Retry-After": "7"}),),
        wait_seconds=7,
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: `error` in a 200 to the create request",
        "sent one request",
        10,
        (_job(status=200, body='{"error": "range too long"}'),),
        error_pattern="HTTP 200, but the provider says: range too long",
        export_jobs=(0, 1),
    ),
    FaultCase(
        "export: the job never starts",
        "polled at growing intervals, up to `export_start_deadline_seconds`",
        15,
        shapes={"export_words": ("pending", "completed"), "export_polls": FOREVER},
        settings={"export_poll_seconds": [0.05, 0.1], **_SHORT},
        error_pattern=rf"did not start within 0\.3 seconds \(status 'pending'\); {_LATER}: it waits for this job",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: the job never finishes",
        "polled at growing intervals, up to `export_deadline_seconds`",
        17,
        shapes={"export_words": ("running", "completed"), "export_polls": FOREVER},
        settings={"export_poll_seconds": [0.05, 0.1], **_SHORT},
        error_pattern=rf"did not finish within 0\.5 seconds \(status 'running'\); {_LATER}: it waits for this job",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: an unknown status word",
        "polled at growing intervals, 2 s to 30 s",
        44,
        shapes={"export_words": ("on holiday", "completed"), "export_polls": FOREVER},
        settings={"export_poll_seconds": [2, 30]},
        error_pattern=rf"did not finish within 900 seconds \(status 'on holiday'\); {_LATER}: it waits for this job",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: the job fails",
        "dropped the job",
        13,
        shapes={"export_error": "disk full"},
        error_pattern="ended as 'failed': disk full; run the same command again to start a new one",
        export_jobs=(1, 2),
        can_run_as_command=True,
    ),
    FaultCase(
        "export: the link has expired",
        "requested a new link",
        16,
        shapes={"export_dead_links": 1},
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: every link has expired",
        "requested a new link, then started one new job",
        23,
        shapes={"export_dead_links": FOREVER},
        error_pattern=rf"the link to the file leads nowhere \(HTTP 403, the signature .* expired\); {_LATER}",
        export_jobs=(2, 3),
    ),
    FaultCase(
        "export: the file's host answers an expired link with 400",
        "requested a new link",
        16,
        (_file(400, _EXPIRED_TOKEN),),
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: the file is an error document with status 200",
        "kept the file, loaded nothing from it",
        14,
        (_file(body=_EXPIRED_TOKEN),),
        error_pattern=r"field file: is an HTML or XML document, no CSV, saw .*; the answer is kept",
        export_jobs=(1, 2),
    ),
    FaultCase(
        "export: a row of a day that was not requested",
        "kept the file, loaded nothing from it",
        14,
        (_file(body="conversationId,startedAt\nc1,2025-03-11T10:00:00Z\nc2,2025-03-12T10:00:00Z\n"),),
        error_pattern=r"line 3, started_at: is on none of the days that were requested, 2025-03-11 to 2025-03-11, saw",
        export_jobs=(1, 2),
    ),
    FaultCase(
        "export: a number that is thousands or has decimals",
        "kept the file, loaded nothing from it",
        14,
        (_file(body="conversationId,startedAt,messages\nc1,2025-03-11T10:00:00Z,1.000\n"),),
        error_pattern=r"line 2, messages: is thousands or has three decimals, .*export_decimal_sign, saw '1.000'",
        export_jobs=(1, 2),
    ),
    FaultCase(
        "export: lines with different line ends",
        "kept the file, loaded nothing from it",
        14,
        (_file(body="conversationId,startedAt\nc1,2025-03-11T10:00:00Z\r\nc2,2025-03-11T10:00:00Z\n"),),
        error_pattern=r"line 2: ends with CR LF, but the header with LF: its line ends are mixed",
        export_jobs=(1, 2),
    ),
    FaultCase(
        "export: the download redirects to another host",
        "did not follow it",
        14,
        (_file(302, Location=_AWAY),),
        error_pattern=r"the file lies on "
        r"files\.example\.test, which is none of 127\.0\.0\.1; add it to .*download_hosts",
        export_jobs=(1, 1),
        can_run_as_command=True,
    ),
    FaultCase(
        "export: the file is shorter than its length",
        "restarted the download 5 times, landed nothing",
        19,
        shapes={"csv_cut_bytes": 9},
        error_pattern=rf"the file did not come whole: .*; {_LATER}",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: the file is cut short and has no length",
        "restarted the download 5 times, landed nothing",
        19,
        shapes={"csv_cut_bytes": 9, "csv_length": False},
        error_pattern=rf"the file ends in the middle of line \d+ and no length says .*; {_LATER}",
        export_jobs=(1, 1),
    ),
    FaultCase(
        "export: a row that does not fit the header",
        "kept the file, loaded nothing from it",
        14,
        (_file(body="conversationId,startedAt,channelType\nc1,2025-03-11T10:00:00Z,web\nc2,yesterday\n"),),
        error_pattern=r"line 3.*; the answer is kept .*`chatmart replay`",
        export_jobs=(1, 2),
        can_run_as_command=True,
    ),
)
EXPORTS = tuple(FaultCase(**{**vars(case), "account": VOICE}) for case in _EXPORTS)
