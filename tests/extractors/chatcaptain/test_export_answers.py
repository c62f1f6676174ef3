"""ChatCaptain's export jobs: words of a status, links that come late or die, files that never come."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.windows import Window
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.chatcaptain import FakeTime, configure_account, error_names, land_streams, list_batches

DAY = Window.of_day(date(2025, 3, 28))
FOREVER = 10**6
EXPIRED = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>Invalid argument.</Message></Error>"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> ChatcaptainAccount:
    return configure_account(sandbox, streams=["export"])


@pytest.mark.parametrize("word", ["success", "Success", "SUCCESS ", "succeeded", "Complete", " finished"])
def test_words_of_a_job_that_is_done(sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, word: str) -> None:
    sandbox.shapes.export_words, sandbox.shapes.export_polls = (word,), 0
    assert land_streams(tmp_path, account, DAY) == []
    assert sandbox.jobs[0].polls == 1


@pytest.mark.parametrize("word", ["expired", "Expired", "FAILED", "canceled", "cancelled", "aborted", "failure"])
def test_words_of_a_job_that_failed(sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, word: str) -> None:
    sandbox.request_log.plan_faults(Fault(path="/export/", method="GET", status=200, body=f'{{"status": "{word}"}}'))
    time = FakeTime()
    (error,) = land_streams(tmp_path, account, DAY, time)
    assert error_names([error]) == ["ExportFailed"]
    assert f"ended as {word!r}: the provider gives no reason; run the same command again" in str(error)
    assert time.sleeps_seconds == []
    assert land_streams(tmp_path, account, DAY, time) == []
    assert len(sandbox.jobs) == 2


@pytest.mark.parametrize("key", ["error", "errors", "fault"])
def test_a_failure_beside_any_status_ends_the_job(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, key: str
) -> None:
    body = f'{{"status": "running", "{key}": "disk full"}}'
    sandbox.request_log.plan_faults(Fault(path="/export/", method="GET", status=200, body=body))
    (error,) = land_streams(tmp_path, account, DAY, FakeTime())
    assert error_names([error]) == ["ExportFailed"]
    assert "ended as 'running': disk full" in str(error)


@pytest.mark.parametrize("link", ["", ', "downloadUrl": null', ', "downloadUrl": ""'])
def test_a_link_may_come_up_to_a_minute_after_the_job_is_done(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, link: str
) -> None:
    sandbox.shapes.export_polls = 0
    body = f'{{"status": "completed"{link}}}'
    sandbox.request_log.plan_faults(Fault(path="/export/", method="GET", status=200, body=body, times=3))
    time = FakeTime()
    assert land_streams(tmp_path / "late", account, DAY, time) == []
    assert 0 < sum(time.sleeps_seconds) < 60
    sandbox.request_log.plan_faults(Fault(path="/export/", method="GET", status=200, body=body, times=FOREVER))
    time = FakeTime()
    (error,) = land_streams(tmp_path / "never", account, DAY, time)
    assert error_names([error]) == ["ShapeError"]
    assert "field downloadUrl: is missing" in str(error)
    assert 60 <= sum(time.sleeps_seconds) < 100


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 416])
def test_a_refused_link_is_renewed_whatever_the_status(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path, status: int
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/exports/", status=status, body=EXPIRED))
    assert land_streams(tmp_path, account, DAY) == []
    assert [len(job.links) for job in sandbox.jobs] == [2]


def test_a_link_that_stays_refused_leads_to_one_new_job(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/exports/", status=400, body=EXPIRED, times=2))
    assert land_streams(tmp_path / "1", account, DAY) == []
    assert len(sandbox.jobs) == 2
    sandbox.request_log.plan_faults(Fault(path="/exports/", status=400, body=EXPIRED, times=FOREVER))
    (error,) = land_streams(tmp_path / "2", account, DAY)
    assert "the link to the file leads nowhere (HTTP 400, ExpiredToken)" in str(error)
    assert len(sandbox.jobs) == 4


def test_a_job_whose_file_comes_in_no_run_is_replaced(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.request_log.plan_faults(Fault(path="/exports/", status=503, times=12))
    for _ in range(2):  # the run that started the job, and one that adopts it
        assert error_names(land_streams(tmp_path, account, DAY)) == ["Transient"]
        assert len(sandbox.jobs) == 1
    assert land_streams(tmp_path, account, DAY) == []
    assert len(sandbox.jobs) == 2


def test_a_file_packed_without_a_header_is_landed_unpacked(
    sandbox: Sandbox, account: ChatcaptainAccount, tmp_path: Path
) -> None:
    sandbox.shapes.csv_packed = True
    assert land_streams(tmp_path, account, DAY) == []
    (batch,) = list_batches(tmp_path, "export")
    assert b"".join(batch.iter_bytes()).startswith(b"conversationId,")
