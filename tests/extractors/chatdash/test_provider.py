"""ChatDash's queries: requested, refused and landed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import sandbox.chatdash.api as vendor
from extractors.chatdash.account import ChatdashAccount
from extractors.chatdash.metrics import METRICS
from extractors.errors import ExtractionError
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.http import ApiError
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.support.pull_account import pull_account

DAY = date(2025, 3, 30)  # the clock changes in Berlin
ODD = frozenset({"uniqueIps", "topTopics"})
ACCOUNTS = (
    SandboxAccount("sales", "chatdash", "Europe/Berlin", {"project_id": "p 1%"}),
    SandboxAccount("odd", "chatdash", "Europe/Berlin", refused_metrics=ODD),
)


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(5, ACCOUNTS)) as sandbox:
        yield sandbox


@pytest.fixture(name="sandbox")
def reset_sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.request_log.clear()
    module_sandbox.shapes.__dict__.update(ResponseShapes().__dict__)
    module_sandbox.world.accounts.update({account.name: account for account in ACCOUNTS})
    return module_sandbox


def build_account(sandbox: Sandbox, name: str = "odd") -> ChatdashAccount:
    simulated = sandbox.world.accounts[name]
    return ChatdashAccount(
        name=name,
        base_url=sandbox.base_url("chatdash"),
        timezone=simulated.timezone,
        project_id=simulated.external_id,
        api_key=simulated.credential,
        rate_limit={"requests": 100_000},
    )


def load_days(sandbox: Sandbox, root: Path, days: int = 1, name: str = "odd") -> list[ExtractionError]:
    return pull_account(build_account(sandbox, name), Window(DAY, DAY + timedelta(days=days)), root)


def read_requested_metrics(sandbox: Sandbox) -> list[Sequence[str]]:
    return [json.loads(record.body)["query"][0]["metrics"] for record in sandbox.requests]


def list_batches(root: Path, name: str = "odd") -> list[Batch]:
    batches = LandingZone(root / "landing").list_batches("chatdash", name, "analytics")
    return sorted(batches, key=lambda batch: batch.window)


def list_manifests(root: Path, name: str = "odd") -> list[dict[str, Any]]:
    return [batch.manifest for batch in list_batches(root, name)]


def read_landed_metrics(batch: Batch) -> list[Sequence[str]]:
    return [part.request["body"]["query"][0]["metrics"] for part in batch.parts]


def test_one_local_day_per_request_whose_end_is_inside(sandbox: Sandbox, tmp_path: Path) -> None:
    assert load_days(sandbox, tmp_path, 2, "sales") == []
    bodies = [json.loads(record.body) for record in sandbox.requests]
    assert [len(body["query"]) for body in bodies] == [1, 1]
    assert sorted(tuple(body["query"][0]["filter"].values()) for body in bodies) == [
        ("2025-03-29T23:00:00.000Z", "2025-03-30T21:59:59.999Z"),
        ("2025-03-30T22:00:00.000Z", "2025-03-31T21:59:59.999Z"),
    ]
    assert read_requested_metrics(sandbox) == [list(METRICS)] * 2
    parts = [part for batch in list_batches(tmp_path, "sales") for part in batch.parts]
    assert {part.request["path"] for part in parts} == {"/projects/p%201%25/analytics/query"}
    assert list_manifests(tmp_path, "sales")[0]["facts"] == {}
    assert "conversationByCountry" in METRICS
    assert "conversationsByCountry" not in METRICS


def test_an_unknown_project_is_not_taken_for_a_refused_metric(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.plan_faults(Fault(path="analytics", status=404, body='{"message": "Project not found"}'))
    (error,) = load_days(sandbox, tmp_path, name="sales")
    assert "Project not found" in str(error)
    assert len(sandbox.requests) == 1
    assert list_manifests(tmp_path, "sales") == []


@pytest.mark.parametrize(("refusal", "requests"), [("named", 3 + 9), ("unnamed", 16 + 9)])
def test_refused_metrics_are_found_once_and_left_out(
    sandbox: Sandbox, tmp_path: Path, refusal: str, requests: int
) -> None:
    sandbox.shapes.chatdash_refusal = refusal
    assert load_days(sandbox, tmp_path, 10) == []
    assert len(sandbox.requests) == requests
    supported = [metric for metric in METRICS if metric not in ODD]
    for batch in list_batches(tmp_path):
        assert batch.manifest["facts"] == {"refused": sorted(ODD)}
        assert read_landed_metrics(batch) == [supported]


def test_a_message_that_lists_what_is_allowed_names_no_culprit(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_top_topics(raw: bytes) -> Any:
        metrics, start, end = original(raw)
        if "topTopics" in metrics:
            raise ApiError(400, {"message": "Expected 'conversations' | 'tokens' | 'uniqueIps', received 'topTopics'"})
        return metrics, start, end

    original = vendor.parse_query
    monkeypatch.setattr(vendor, "parse_query", refuse_top_topics)
    assert load_days(sandbox, tmp_path, 3, "sales") == []
    assert {tuple(manifest["facts"]["refused"]) for manifest in list_manifests(tmp_path, "sales")} == {("topTopics",)}


def test_metrics_that_are_only_refused_together_are_asked_apart(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_long_lists(raw: bytes) -> Any:
        metrics, start, end = original(raw)
        if len(metrics) > 8:
            raise ApiError(400, {"message": "too many metrics"})
        return metrics, start, end

    original = vendor.parse_query
    monkeypatch.setattr(vendor, "parse_query", refuse_long_lists)
    assert load_days(sandbox, tmp_path, 2, "sales") == []
    for batch in list_batches(tmp_path, "sales"):
        assert batch.manifest["facts"] == {}
        assert [metric for part in read_landed_metrics(batch) for metric in part] == list(METRICS)
    assert len(sandbox.requests) == 1 + 2 + 2


def test_a_metric_that_is_refused_in_the_middle_of_a_run(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_tokens_later(raw: bytes) -> Any:
        metrics, start, end = original(raw)
        if start.date() >= DAY and "tokens" in metrics:
            raise ApiError(400, {"message": "tokens is not available"})
        return metrics, start, end

    original = vendor.parse_query
    monkeypatch.setattr(vendor, "parse_query", refuse_tokens_later)
    assert load_days(sandbox, tmp_path, 5, "sales") == []
    first, *others = list_manifests(tmp_path, "sales")
    assert first["facts"] == {}
    assert {tuple(manifest["facts"]["refused"]) for manifest in others} == {("tokens",)}


@pytest.mark.parametrize("refusal", ["named", "unnamed"])
def test_a_refusal_that_is_no_metric_s_fault_fails_the_account(sandbox: Sandbox, tmp_path: Path, refusal: str) -> None:
    sandbox.shapes.chatdash_refusal = refusal
    everything = replace(ACCOUNTS[1], refused_metrics=frozenset(METRICS))
    sandbox.world.accounts["odd"] = everything
    errors = load_days(sandbox, tmp_path, 5)
    assert [type(error).__name__ for error in errors] == ["RequestRefused"] * 5
    assert "Invalid" in str(errors[0])
    assert list_manifests(tmp_path) == []
    assert len(sandbox.requests) <= 2 * len(METRICS) + 4


def test_the_account() -> None:
    account = ChatdashAccount(name="a", project_id="p_1", api_key="fake-key")
    assert account.base_url == "https://api.chat-dash.com/v1/public"
    assert account.external_id == "p_1"
    assert account.credential().headers == {"Authorization": "fake-key"}
    assert account.enabled_streams == ("analytics",)
    with pytest.raises(ValidationError, match="there is no stream inbox"):
        ChatdashAccount(name="a", project_id="p_1", api_key="fake-key", streams=["inbox"])
