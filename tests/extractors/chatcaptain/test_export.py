"""ChatCaptain's export jobs against the sandbox: one job whatever happens, and nothing landed but whole files."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.exports.csv_lines import CsvRecordCounter
from extractors.windows import Window
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.chatcaptain import WINDOW, FakeTime, configure_account, error_names, land_streams, list_batches

DAY = Window.of_day(date(2025, 3, 28))
FOREVER = 10**6


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> ChatcaptainAccount:
    return configure_account(sandbox, streams=["export"])


def read_journal(root: Path) -> list[dict[str, object]]:
    path = root / "landing/provider=chatcaptain/account=acme-voice/.export-journal.json"
    entries: list[dict[str, object]] = json.loads(path.read_text())
    return entries


def test_one_job_a_month_downloaded_without_a_credential(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    assert land_streams(tmp_path, account) == []
    assert [(str(job.start)[:10], str(job.end)[:10]) for job in sandbox.jobs] == [
        ("2025-03-27", "2025-03-31"),
        ("2025-03-31", "2025-04-01"),
    ]
    assert all(job.downloads == 1 and not job.leaked_credentials for job in sandbox.jobs)
    first, second = sorted(list_batches(tmp_path, "export"), key=lambda batch: batch.window)
    (part,) = first.parts
    ((_, body),) = first.iter_bodies()
    counter = CsvRecordCounter()
    counter.feed(body)
    assert part.context == {"export": sandbox.jobs[0].id, "counts": counter.counts.to_json()}
    facts = first.manifest["facts"]
    assert facts["bytes"] == len(body) == part.bytes
    assert facts["rows"] + second.manifest["facts"]["rows"] == sum(
        len(sandbox.world.conversations_on("acme-voice", day)) for day in WINDOW.days()
    )
    assert facts["export"] == sandbox.jobs[0].id
    assert "signature" not in str((first.manifest, first.parts))


@pytest.mark.parametrize(
    "shape",
    [
        {"export_id": "id", "export_link": "downloadLink"},
        {"export_id": "location", "export_words": ("Zipping", "DONE")},
        {"export_words": ("finished",), "export_polls": 0},
        {"csv_gzip": True},
        {"csv_gzip": True, "csv_length": False},
        {"csv_length": False},
        {"export_dead_links": 1},
    ],
)
def test_accepted_shapes(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, shape: dict[str, object]
) -> None:
    sandbox.shapes.__dict__.update(shape)
    assert land_streams(tmp_path, account, DAY) == []
    (batch,) = list_batches(tmp_path, "export")
    assert next(batch.iter_bytes()).startswith(b"conversationId,")
    assert len(sandbox.jobs) == 1


def test_a_dead_link_is_renewed_once_then_one_new_job_is_started(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.shapes.export_dead_links = FOREVER
    assert error_names(land_streams(tmp_path, account, DAY)) == ["LinkExpired"]
    assert [len(job.links) for job in sandbox.jobs] == [2, 2]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/export", method="POST", kind="after"),
        Fault(path="/export", method="POST", status=503),
        Fault(path="/export", method="POST", status=408),
        Fault(path="/export", method="POST", status=202, body="<html>"),
    ],
)
def test_after_a_lost_answer_no_other_job_is_started_for_a_while(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, fault: Fault
) -> None:
    time = FakeTime()
    sandbox.request_log.plan_faults(Fault(**vars(fault)))
    errors = land_streams(tmp_path, account, WINDOW, time)  # two windows: the second may not start one either
    assert error_names(errors) == ["ExportUncertain"]
    assert len(errors) == 2
    assert "may or may not run" in str(errors[0])
    assert "2026-01-10 00:30 UTC" in str(errors[0])
    time.current_time += timedelta(minutes=29)
    assert error_names(land_streams(tmp_path, account, WINDOW, time)) == ["ExportUncertain"]
    assert sandbox.request_log.count("chatcaptain", "/export", "POST") == 1
    time.current_time += timedelta(minutes=2)
    assert land_streams(tmp_path, account, WINDOW, time) == []
    assert sandbox.request_log.count("chatcaptain", "/export", "POST") == 3


def test_an_answer_without_an_id_is_kept_and_counts_as_lost(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/export", method="POST", status=202, body='{"job": "x"}'))
    (error,) = land_streams(tmp_path, account, DAY)
    assert error_names([error]) == ["ShapeError"]
    assert "exportId" in str(error)
    assert [batch.is_complete for batch in list_batches(tmp_path, "export")] == [False]
    assert error_names(land_streams(tmp_path, account, DAY)) == ["ExportUncertain"]


@pytest.mark.parametrize(("header", "waited"), [("3", 3), ("Sat, 10 Jan 2026 00:00:07 GMT", 7)])
def test_a_429_created_nothing_and_is_obeyed(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, header: str, waited: int
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/export", method="POST", status=429, headers={"Retry-After": header}))
    time = FakeTime()
    assert land_streams(tmp_path, account, DAY, time) == []
    assert len(sandbox.jobs) == 1
    assert max(time.sleeps_seconds) >= waited


def test_a_refused_creation_leaves_the_way_free(sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path) -> None:
    sandbox.request_log.plan_faults(
        Fault(path="/export", method="POST", status=400, body='{"message": "range too long"}')
    )
    (error,) = land_streams(tmp_path, account, DAY)
    assert "range too long" in str(error)
    assert land_streams(tmp_path, account, DAY) == []


def test_a_refused_connection_created_nothing(account: ChatcaptainAccount, tmp_path: Path) -> None:
    closed = account.model_copy(update={"base_url": "http://127.0.0.1:9"})
    assert error_names(land_streams(tmp_path, closed, DAY)) == ["NotSent"]
    assert read_journal(tmp_path) == []


def test_a_job_that_does_not_end_is_adopted_by_the_next_run(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    time = FakeTime()
    sandbox.shapes.export_polls, sandbox.shapes.export_words = FOREVER, ("never heard of", "completed")
    errors = land_streams(tmp_path, account, WINDOW, time)
    assert error_names(errors) == ["ExportTimedOut"]
    assert "did not finish within 900 seconds" in str(errors[0])
    assert time.sleeps_seconds[:6] == [2, 4, 8, 16, 30, 30]
    (job,) = sandbox.jobs  # the second window does not start another beside it
    assert job.polls < 40
    started = read_journal(tmp_path)[0]["at"]
    sandbox.shapes.export_polls = 0
    assert land_streams(tmp_path, account, Window(WINDOW.start, date(2025, 4, 1)), time) == []
    assert len(sandbox.jobs) == 1
    (batch,) = list_batches(tmp_path, "export")
    assert batch.manifest["facts"]["adopted"]
    assert batch.fetched_at.isoformat() == started  # the file shows the data of that time


def test_a_job_that_waits_for_its_turn_has_its_own_deadline(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.shapes.export_polls, sandbox.shapes.export_words = FOREVER, ("Pending", "completed")
    (error,) = land_streams(tmp_path, account, DAY)
    assert "did not start within 300 seconds" in str(error)


def test_an_old_job_and_a_landed_one_are_not_adopted(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    time = FakeTime()
    assert land_streams(tmp_path, account, DAY, time) == []
    assert land_streams(tmp_path, account, DAY, time) == []
    assert len(sandbox.jobs) == 2
    sandbox.shapes.export_polls = FOREVER
    assert error_names(land_streams(tmp_path, account, DAY, time)) == ["ExportTimedOut"]
    sandbox.shapes.export_polls = 0
    time.current_time += timedelta(hours=6)
    assert land_streams(tmp_path, account, DAY, time) == []
    assert len(sandbox.jobs) == 4


def test_an_adopted_job_that_is_gone_is_replaced_by_one(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.shapes.export_polls = FOREVER
    land_streams(tmp_path, account, DAY)
    sandbox.shapes.export_polls = 0
    gone = sandbox.jobs[0].id
    sandbox.request_log.plan_faults(Fault(path=gone, status=404, body='{"message": "no such export"}', times=FOREVER))
    assert land_streams(tmp_path, account, DAY) == []
    assert len(sandbox.jobs) == 2


def test_a_failed_job_says_why_and_is_not_adopted(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.shapes.export_error = "disk full at the provider"
    (error,) = land_streams(tmp_path, account, DAY)
    assert error_names([error]) == ["ExportFailed"]
    assert "disk full at the provider" in str(error)
    sandbox.shapes.export_error = ""
    assert land_streams(tmp_path, account, DAY) == []
    assert len(sandbox.jobs) == 2


@pytest.mark.parametrize(
    "body", ['{"state": "done"}', '{"status": "completed", "downloadUrl": 3}', '{"status": 3}', "[]"]
)
def test_refused_status_answers_are_kept(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, body: str
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/export/", method="GET", status=200, body=body))
    assert error_names(land_streams(tmp_path, account, DAY)) == ["ShapeError"]
    (batch,) = list_batches(tmp_path, "export")
    assert not batch.is_complete
    assert land_streams(tmp_path, account, DAY) == []
    assert len(sandbox.jobs) == 1


@pytest.mark.parametrize(
    "shape",
    [
        {"csv_cut_bytes": 1},
        {"csv_cut_bytes": 9},
        {"csv_cut_bytes": 333},
        {"csv_cut_bytes": 1, "csv_length": False},
        {"csv_cut_bytes": 9, "csv_length": False},
        {"csv_cut_bytes": 333, "csv_length": False},
        {"csv_cut_bytes": 40, "csv_length": False, "csv_gzip": True},
    ],
)
def test_a_file_cut_short_is_never_landed_and_its_job_is_kept(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, shape: dict[str, object]
) -> None:
    sandbox.shapes.__dict__.update(shape)
    assert error_names(land_streams(tmp_path, account, DAY)) == ["Transient"]
    assert list_batches(tmp_path, "export") == []
    sandbox.shapes.csv_cut_bytes = 0
    assert land_streams(tmp_path, account, DAY) == []
    assert len(sandbox.jobs) == 1


def test_a_download_that_breaks_once_begins_anew(sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path) -> None:
    sandbox.request_log.plan_faults(
        Fault(path="/exports/", kind="cut", body="conversationId,started"), Fault(path="/exports/", status=503)
    )
    assert land_streams(tmp_path, account, DAY) == []
    (batch,) = list_batches(tmp_path, "export")
    assert b"".join(batch.iter_bytes()).count(b"conversationId") == 1
    assert len(sandbox.jobs) == 1


def test_after_three_lost_files_no_other_job_is_started_in_the_run(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    """A host that drips or hangs would hold up the account by the tries of a download for every month."""
    months = Window(date(2025, 1, 1), date(2025, 6, 1))
    sandbox.request_log.plan_faults(Fault(path="/exports/", status=503, times=10**6))
    errors = land_streams(tmp_path, account, months)
    assert error_names(errors) == ["Transient"]
    assert (len(errors), len(sandbox.jobs)) == (5, 3)
    sandbox.request_log.clear()
    assert land_streams(tmp_path, account, months) == []
    assert len(sandbox.jobs) == 5  # the three jobs are adopted


def test_a_host_that_is_not_listed_is_not_visited(sandbox: Sandbox, tmp_path: Path) -> None:
    account = configure_account(sandbox, streams=["export"], download_hosts=["storage.example.test"])
    (error,) = land_streams(tmp_path, account, DAY)
    assert error_names([error]) == ["ForbiddenHost"]
    assert "download_hosts" in str(error)
    assert sandbox.request_log.count("download") == 0
