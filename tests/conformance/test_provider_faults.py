"""Each fault of the taxonomy, met by every stream of every provider in the registry, over HTTP with the sandbox.

A fault of one provider only is tested beside its modules.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from extractors.account import Account
from extractors.errors import (
    CredentialRefused,
    Deferred,
    ExportUncertain,
    ExtractionError,
    RequestRefused,
    ShapeError,
    Transient,
)
from extractors.landing.zone import LandingZone
from extractors.registry import PROVIDERS
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.conformance.cases import DAY, get_cases
from tests.support.clock import FakeClock
from tests.support.landed_chunks import ChunkBuilder
from tests.support.provider_account import build_provider_account
from tests.support.pull_account import pull_account
from transforms.registry import transform_chunk

FOREVER = 10**6


@dataclass(frozen=True)
class TaxonomyCase:
    """A fault of every request, and the error that it stands for; ``is_permanent``: no request is sent again."""

    label: str
    error: type[ExtractionError]
    is_permanent: bool = False
    answer: dict[str, Any] = field(default_factory=dict)


TAXONOMY = (
    TaxonomyCase("401", CredentialRefused, is_permanent=True, answer={"status": 401}),
    TaxonomyCase("403", CredentialRefused, is_permanent=True, answer={"status": 403}),
    TaxonomyCase("404", RequestRefused, is_permanent=True, answer={"status": 404}),
    TaxonomyCase(
        "429 for two hours", Deferred, is_permanent=True, answer={"status": 429, "headers": {"Retry-After": "7200"}}
    ),
    TaxonomyCase("500 for ever", Transient, answer={"status": 500}),
    TaxonomyCase("connection reset", Transient, answer={"kind": "reset"}),
    TaxonomyCase("body cut", Transient, answer={"kind": "cut", "status": 200, "body": '{"items": ['}),
    TaxonomyCase("HTML", Transient, answer={"status": 200, "body": "<html>Bad gateway</html>"}),
    TaxonomyCase(
        "a failure in a 200",
        RequestRefused,
        is_permanent=True,
        answer={"status": 200, "body": '{"items": [], "data": {}, "errors": [{"message": "out of memory"}]}'},
    ),
    TaxonomyCase(
        "a key that stands twice",
        ShapeError,
        is_permanent=True,
        answer={"status": 200, "body": '{"items": [], "data": {"total": 5, "total": 7}}'},
    ),
    TaxonomyCase("truncated JSON", Transient, answer={"status": 200, "body": '{"items": [{"day": 1'}),
)


def list_streams() -> list[ParameterSet]:
    """Return every stream of every provider; those after the first are long, because all streams share the session."""
    return [
        pytest.param(provider, stream, marks=pytest.mark.long if position else ())
        for provider in PROVIDERS
        for position, stream in enumerate(get_cases(provider).streams)
    ]


@dataclass(frozen=True)
class SharedSandbox:
    """One running sandbox with an account of every provider."""

    sandbox: Sandbox
    accounts: dict[str, SandboxAccount]

    def prepare(self, provider: str, stream: str) -> tuple[Sandbox, Account]:
        """Return the sandbox without requests and faults, and an account that fetches one stream."""
        self.sandbox.request_log.clear()
        named = {"conversation_ids": ["some"]} if get_cases(provider).variants[0].name_conversations else {}
        return self.sandbox, build_provider_account(self.sandbox, self.accounts[provider], streams=[stream], **named)


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[SharedSandbox]:
    accounts = {
        provider: SandboxAccount(
            f"acme-{provider}", provider, "UTC", daily_conversations=8, **get_cases(provider).variants[0].traits
        )
        for provider in PROVIDERS
    }
    with Sandbox(World(7, [*accounts.values()])) as sandbox:
        yield SharedSandbox(sandbox, accounts)


@pytest.mark.parametrize("case", TAXONOMY, ids=lambda case: case.label)
@pytest.mark.parametrize(("provider", "stream"), list_streams())
def test_each_fault_gives_its_error(
    shared_sandbox: SharedSandbox, tmp_path: Path, provider: str, stream: str, case: TaxonomyCase
) -> None:
    sandbox, account = shared_sandbox.prepare(provider, stream)
    sandbox.plan_faults(Fault(times=FOREVER, **case.answer))
    errors = pull_account(account, DAY, tmp_path, [stream], FakeClock())
    sends = Counter((record.method, record.path, record.query, record.body) for record in sandbox.requests)
    if case.is_permanent:
        assert set(sends.values()) == {1}
    if case.error is CredentialRefused:
        assert len(sandbox.requests) == 1
    if (stream, case.label) == ("flow", "404"):  # a conversation that is gone is no error
        return
    expected = ExportUncertain if stream == "export" and case.error is Transient else case.error
    assert errors
    assert {isinstance(error, expected) for error in errors} == {True}, errors
    if expected is Transient:
        assert max(sends.values()) > 1
    assert LandingZone(tmp_path / "landing").list_batches(provider, account.name, stream) == []


@pytest.mark.parametrize(("provider", "stream"), list_streams())
def test_a_rate_limit_is_waited_for(shared_sandbox: SharedSandbox, tmp_path: Path, provider: str, stream: str) -> None:
    sandbox, account = shared_sandbox.prepare(provider, stream)
    sandbox.plan_faults(Fault(status=429, headers={"Retry-After": "7"}))
    clock = FakeClock()
    assert pull_account(account, DAY, tmp_path, [stream], clock) == []
    assert sum(clock.sleeps_seconds) >= 7
    assert sandbox.requests[0].status == 429
    assert replace(sandbox.requests[0], status=200, account=None) == replace(
        sandbox.requests[1], status=200, account=None
    )


@pytest.mark.parametrize(("provider", "stream"), list_streams())
def test_a_body_of_a_wrong_shape_is_landed_and_refused(
    shared_sandbox: SharedSandbox, tmp_path: Path, provider: str, stream: str
) -> None:
    sandbox, account = shared_sandbox.prepare(provider, stream)
    sandbox.plan_faults(Fault(times=FOREVER, status=200, body='"surprise"'))
    errors = pull_account(account, DAY, tmp_path, [stream], FakeClock())
    if stream == "export":  # the response of a job's creation: nothing is known of the job
        assert errors
        return
    assert {type(error) for error in errors} <= {ShapeError}
    [batch] = LandingZone(tmp_path / "landing").list_batches(provider, account.name, stream)
    assert {body for _, body in batch.iter_bodies()} == {b'"surprise"'}
    assert batch.is_complete is not bool(errors)
    if not errors:
        with pytest.raises(ShapeError, match=rf"{account.name} \({provider}\.{stream}\): field .*, saw 'surprise'"):
            transform_chunk(ChunkBuilder(tmp_path).build_chunk(account, DAY))
    assert len(sandbox.requests) == len({(record.path, record.query, record.body) for record in sandbox.requests})
