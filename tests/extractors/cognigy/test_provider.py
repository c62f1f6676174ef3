import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from extractors.cognigy.account import COUNTERS, CognigyAccount
from extractors.cognigy.provider import PROVIDER
from extractors.errors import CredentialRefused, RequestRefused
from extractors.http.client import Client
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.pull_account import pull_account

ACME = SandboxAccount("acme", "cognigy", "Europe/Berlin")
YEAR = Window(date(2025, 1, 1), date(2026, 1, 1))


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(3, (ACME,), clock=lambda: datetime(2026, 1, 10, tzinfo=UTC))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.request_log.clear()
    return module_sandbox


def build_account(sandbox: Sandbox, **settings: Any) -> CognigyAccount:
    defaults = {
        "name": ACME.name,
        "base_url": sandbox.base_url("cognigy"),
        "timezone": ACME.timezone,
        "project_id": ACME.ids["project_id"],
        "api_key": ACME.credential,
    }
    return CognigyAccount.model_validate({**defaults, **settings})


def test_a_year_is_twelve_requests(sandbox: Sandbox, tmp_path: Path) -> None:
    assert pull_account(build_account(sandbox), YEAR, tmp_path) == []
    requested = sorted(record.query for record in sandbox.requests)
    assert requested == sorted(f"year=2025&month={month}" for month in range(1, 13))
    assert {record.status for record in sandbox.requests} == {200}
    assert all(record.body == "" for record in sandbox.requests)


def list_batches(root: Path) -> list[Batch]:
    return LandingZone(root / "landing").list_batches("cognigy", "acme", "conversation_counter")


def test_a_range_is_cut_at_months_and_asks_for_whole_ones(sandbox: Sandbox, tmp_path: Path) -> None:
    pull_account(build_account(sandbox), Window(date(2025, 1, 31), date(2025, 3, 2)), tmp_path)
    assert [str(batch.window) for batch in sorted(list_batches(tmp_path), key=lambda batch: batch.window)] == [
        "2025-01-31_2025-02-01",
        "2025-02-01_2025-03-01",
        "2025-03-01_2025-03-02",
    ]


def test_the_other_counters_only_when_they_are_named(sandbox: Sandbox, tmp_path: Path) -> None:
    pull_account(build_account(sandbox, streams=list(COUNTERS)), Window.of_day(date(2025, 6, 1)), tmp_path)
    requested = sorted(record.path.rsplit("/", 1)[1] for record in sandbox.requests)
    assert requested == ["callcounter", "conversationcounter", "knowledgequerycounter"]


def test_a_wrong_key_and_a_wrong_project_are_told_apart(sandbox: Sandbox, tmp_path: Path) -> None:
    errors = pull_account(build_account(sandbox, api_key="fake-wrong-key"), YEAR, tmp_path)
    assert {type(error) for error in errors} == {CredentialRefused}
    assert len(errors) == 12
    assert len(sandbox.requests) == 1
    (error,) = pull_account(build_account(sandbox, project_id="0" * 24), Window.of_day(date(2025, 6, 1)), tmp_path)
    assert isinstance(error, RequestRefused)
    assert "no project 000" in str(error)
    assert list_batches(tmp_path) == []


def test_one_bad_month_does_not_take_the_others_with_it(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plan_faults(Fault(path="month=6", times=20, status=500))
    (error,) = pull_account(build_account(sandbox), YEAR, tmp_path)
    assert "HTTP 500" in str(error)
    assert len(list_batches(tmp_path)) == 11


def test_the_documented_limit_is_the_default() -> None:
    assert (PROVIDER.limits.requests, PROVIDER.limits.period_seconds) == (1000, 300)


def test_an_account_may_ask_for_less(sandbox: Sandbox) -> None:
    async def run() -> int | None:
        async with Client() as client:
            session = client.open_session(build_account(sandbox, rate_limit={"requests": 7}), PROVIDER.limits)
            return session._rate_limiter._limits.requests

    assert asyncio.run(run()) == 7
