"""The counts of a killed back-fill: what was asked again, and jobs that were created again."""

from datetime import UTC, datetime

from benchmarks.compare.workloads.kill import count_repeated_jobs, count_repeated_requests
from sandbox.chatcaptain.export import SandboxExportJob
from sandbox.recorder import RequestRecord


def make_record(path: str, status: int = 200, account: str = "a") -> RequestRecord:
    return RequestRecord("inkeep", account, "GET", path, "", "", status)


def test_requests_are_repeated_when_their_response_had_been_sent() -> None:
    records = [make_record("/x"), make_record("/x"), make_record("/x", account="b"), make_record("/y", 503)]
    assert count_repeated_requests([*records, make_record("/y")]) == 1


def test_polls_of_a_job_are_no_repeated_requests() -> None:
    assert count_repeated_requests([make_record("/export/1", 202), make_record("/export/1")]) == 0


def test_a_job_is_repeated_when_its_account_and_range_had_one() -> None:
    march, april, may = (datetime(2025, month, 1, tzinfo=UTC) for month in (3, 4, 5))
    jobs = [
        SandboxExportJob("1", "a", march, april),
        SandboxExportJob("2", "a", march, april),
        SandboxExportJob("3", "a", april, may),
        SandboxExportJob("4", "b", march, april),
    ]
    assert count_repeated_jobs(jobs) == 1
