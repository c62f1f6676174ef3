"""Answers that no provider may give, by status, size and coding: each is refused by name, and memory stays small."""

from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ExtractionError
from extractors.landing.zone import LandingZone
from extractors.registry import PROVIDERS, get_provider
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.conformance.cases import DAY, get_cases
from tests.conformance.test_provider import list_settings, open_provider
from tests.support.clock import FakeClock
from tests.support.day_range import DayRange
from tests.support.provider_account import build_provider_account
from tests.support.pull_account import pull_account

FOREVER = 10**6


def pull_day(sandbox: Sandbox, sandbox_account: Any, root: Path, **settings: Any) -> list[ExtractionError]:
    """Fetch a day of all streams into a new landing zone, and return the failures."""
    variant = get_cases(sandbox_account.provider).variants[0]
    defaults = list_settings(sandbox_account.provider, variant, sandbox.world, DayRange(DAY.start, DAY.start))
    account = build_provider_account(sandbox, sandbox_account, **{**defaults, **settings})
    return pull_account(account, DAY, root, clock=FakeClock())


def list_complete_batches(root: Path, provider: str) -> list[str]:
    landing = LandingZone(root / "landing")
    return [
        stream
        for stream in get_provider(provider).streams
        for batch in landing.list_batches(provider, "acme", stream)
        if batch.is_complete
    ]


@pytest.mark.parametrize("status", [201, 203, 204, 206, 300, 302])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_status_that_is_no_answer_is_refused_in_every_stream(provider: str, status: int, tmp_path: Path) -> None:
    with open_provider(provider) as (sandbox, sandbox_account):
        for stream in get_provider(provider).streams:
            body = "" if status == 204 else "{}"
            sandbox.plan_faults(Fault(times=FOREVER, status=status, body=body))
            errors = pull_day(sandbox, sandbox_account, tmp_path / stream, streams=[stream])
            assert errors, stream
            names = {type(error).__name__ for error in errors}
            if stream == "export" and status == 201:  # a job may be made with 201; this one has no id
                assert names == {"ShapeError"}
            else:
                assert names == {"UnexpectedStatus"}, stream
                assert f"HTTP {status}, where only 200" in str(errors[0]), stream
            assert list_complete_batches(tmp_path / stream, provider) == [], stream
            sandbox.request_log.clear()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_of_millions_of_empty_objects_is_not_parsed(provider: str, tmp_path: Path) -> None:
    with open_provider(provider) as (sandbox, sandbox_account):
        sandbox.plan_faults(Fault(times=FOREVER, status=200, body="[" + "{}," * 5_000_000 + "{}]"))
        stream = get_provider(provider).account.STREAMS[0]
        errors = pull_day(sandbox, sandbox_account, tmp_path, streams=[stream])
        assert {type(error).__name__ for error in errors} == {"ResponseTooLarge"}
        assert "an answer of more than 5000000 values, in 15000004 bytes" in str(errors[0])
        assert len(sandbox.requests) == 1
        assert list_complete_batches(tmp_path, provider) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_used_budget_ends_every_stream_and_creates_nothing(provider: str, tmp_path: Path) -> None:
    with open_provider(provider) as (sandbox, sandbox_account):
        errors = pull_day(sandbox, sandbox_account, tmp_path, budget={"requests": 1})
        assert len(sandbox.requests) == 1
        if len(get_provider(provider).streams) > 1:
            assert {type(error).__name__ for error in errors} == {"BudgetUsedUp"}
        assert sandbox.jobs == []
        assert pull_day(sandbox, sandbox_account, tmp_path) == []  # no job is held to be lost
