"""Reports, channels and inbox of ChatCaptain: the requests, and the landed responses."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.reports import ListedChannel, parse_channels
from extractors.windows import Window
from sandbox.recorder import Fault, RequestRecord
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from tests.support.chatcaptain import WINDOW, configure_account, error_names, land_streams, list_batches

REPORTS = ("channels", "overview_report", "channel_report", "inbox")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def _reset_sandbox(sandbox: Sandbox) -> None:
    sandbox.request_log.clear()
    sandbox.shapes.__dict__.update(ResponseShapes().__dict__)


def read_queries(sandbox: Sandbox, path: str) -> list[dict[str, str]]:
    def flatten_query(record: RequestRecord) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(record.query).items()}

    return [flatten_query(record) for record in sandbox.request_log.select("chatcaptain", path)]


def test_one_local_day_per_report_across_a_clock_change(sandbox: Sandbox, tmp_path: Path) -> None:
    assert land_streams(tmp_path, configure_account(sandbox, streams=["overview_report"])) == []
    ranges = sorted((query["from"], query["to"]) for query in read_queries(sandbox, "reports/overview"))
    assert ranges[:3] == [
        ("2025-03-27T23:00:00.000Z", "2025-03-28T22:59:59.999Z"),
        ("2025-03-28T23:00:00.000Z", "2025-03-29T22:59:59.999Z"),
        ("2025-03-29T23:00:00.000Z", "2025-03-30T21:59:59.999Z"),
    ]
    assert {(query["interval"], query["components"]) for query in read_queries(sandbox, "reports/overview")} == {
        ("3600", ",".join(map(str, range(17))))
    }


def test_call_components_are_asked_of_channels_with_calls_only(sandbox: Sandbox, tmp_path: Path) -> None:
    assert (
        land_streams(tmp_path, configure_account(sandbox, streams=["channel_report"]), Window.of_day(date(2025, 3, 28)))
        == []
    )
    components = {query["channelId"]: query["components"] for query in read_queries(sandbox, "reports/channel")}
    plain, calls = (",".join(map(str, range(last))) for last in (16, 23))
    assert components == {
        "ch-web-1": plain,
        "ch-web-2": plain,
        "ch-voice-1": calls,
        "ch-audio-1": calls,
        "ch-wa-1": plain,
        "ch-debug-1": plain,
    }


def test_the_channel_list_is_asked_once_in_a_run_and_opens_each_day(sandbox: Sandbox, tmp_path: Path) -> None:
    assert land_streams(tmp_path, configure_account(sandbox, streams=["channels", "channel_report"])) == []
    assert sandbox.request_log.count("chatcaptain", "/channels") == 1
    reports = list_batches(tmp_path, "channel_report")
    assert len(reports) == len(WINDOW)
    assert [part.context.get("channel_id") for part in reports[0].parts][:2] == [None, "ch-web-1"]


@pytest.mark.parametrize("envelope", [False, True])
def test_tokens_of_channels_are_dropped_before_landing(sandbox: Sandbox, tmp_path: Path, envelope: bool) -> None:
    sandbox.shapes.channels_envelope = envelope
    assert land_streams(tmp_path, configure_account(sandbox, streams=["channels", "channel_report"])) == []
    for stream in ("channels", "channel_report"):
        for batch in list_batches(tmp_path, stream):
            assert all(b"fake-channel-secret" not in body and b'"token"' not in body for _, body in batch.iter_bodies())
            assert "fake-channel-secret" not in str((batch.manifest, batch.parts))


def test_an_error_inside_a_200_is_a_refusal(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.request_log.plan_faults(
        Fault(path="/inbox", status=200, body=json.dumps({"error": {"message": "bot is archived"}}))
    )
    errors = land_streams(tmp_path, configure_account(sandbox, streams=["inbox"]), Window.of_day(date(2025, 3, 28)))
    assert error_names(errors) == ["RequestRefused"]
    assert "bot is archived" in str(errors[0])
    assert list_batches(tmp_path, "inbox") == []


@pytest.mark.parametrize("stream", REPORTS)
def test_reports_beside_errors_and_failures_of_the_gateway_are_refused(
    sandbox: Sandbox, tmp_path: Path, stream: str
) -> None:
    bodies = {
        "late": {"CONVERSATION_COUNT": 0, "errors": [{"message": "3 of 4 reports are late"}]},
        "full": {"data": {}, "error": {"message": "quota is used up"}},
        "gone": {"code": 14, "message": "upstream is gone"},
    }
    words = {"late": "3 of 4 reports are late", "full": "quota is used up", "gone": "upstream is gone (code 14)"}
    for name, body in bodies.items():
        sandbox.request_log.clear()
        sandbox.request_log.plan_faults(Fault(status=200, body=json.dumps(body), times=100))
        account = configure_account(sandbox, streams=[stream])
        error, *_ = land_streams(tmp_path, account, Window.of_day(date(2025, 3, 28)))
        assert str(error).endswith(
            f"HTTP 200, but the provider says: {words[name]}; check the account's ids and settings"
        )
        assert list_batches(tmp_path, stream) == []


def test_a_channel_with_two_types_is_refused_by_name(sandbox: Sandbox, tmp_path: Path) -> None:
    body = [{"id": "a", "type": "web"}, {"id": "a", "type": "voice"}]
    sandbox.request_log.plan_faults(Fault(path="/channels", status=200, body=json.dumps(body)))
    (error,) = land_streams(tmp_path, configure_account(sandbox, streams=["channels"]))
    assert str(error).startswith(
        "acme-voice (chatcaptain.channels): field channels[1].type: is not the type of an earlier entry with the id a, "
        "'web', saw 'voice'"
    )


def test_an_empty_error_is_none(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.request_log.plan_faults(Fault(path="/inbox", status=200, body=json.dumps({"error": None, "closed": 3})))
    assert land_streams(tmp_path, configure_account(sandbox, streams=["inbox"]), Window.of_day(date(2025, 3, 28))) == []


@pytest.mark.parametrize(
    ("path", "permission", "line"),
    [
        ("/inbox", "chatbots.statistics.get", "`streams: [export]`"),
        ("/export", "chatbots.statistics.export", "`streams: [channels, overview_report, channel_report, inbox]`"),
    ],
)
def test_a_403_names_the_missing_permission_and_how_to_do_without(
    sandbox: Sandbox, tmp_path: Path, path: str, permission: str, line: str
) -> None:
    sandbox.request_log.plan_faults(Fault(path=path, times=1000, status=403, body='{"message": "no"}'))
    errors = land_streams(tmp_path, configure_account(sandbox))
    assert error_names(errors) == ["CredentialRefused"]
    assert all(f"lacks the permission {permission}" in str(error) and line in str(error) for error in errors)
    (error, *_) = land_streams(tmp_path, configure_account(sandbox, streams=[path.strip("/")]))
    assert permission in str(error)
    assert "streams:" not in str(error)  # nothing would be left to pull


def test_a_401_is_not_a_missing_permission(sandbox: Sandbox, tmp_path: Path) -> None:
    errors = land_streams(tmp_path, configure_account(sandbox, api_key="another-key-not-real", streams=list(REPORTS)))
    assert error_names(errors) == ["CredentialRefused"]
    assert all("permission chatbots" not in str(error) for error in errors)
    assert sandbox.request_log.count("chatcaptain") == 1


class _Answer:
    def __init__(self, body: object) -> None:
        self.body = body

    @property
    def root(self) -> object:
        return self.body


class _Session:
    @staticmethod
    def where(stream: str) -> str:
        return f"a (chatcaptain.{stream})"


@pytest.mark.parametrize("wrapped", [False, True])
def test_channel_lists(wrapped: bool) -> None:
    payload = [{"id": 7, "name": "x", "type": "web"}, {"id": "b", "type": None}, {"id": "7", "type": "web"}]
    channels = parse_channels(_Session(), _Answer({"channels": payload} if wrapped else payload))  # type: ignore[arg-type]
    assert channels == [ListedChannel("7", "web"), ListedChannel("b", "")]


@pytest.mark.parametrize(
    "body",
    [{"items": []}, None, "x", [3], [{"id": "a"}], [{"type": "web"}], [{"id": "", "type": "web"}],
     [{"id": "a", "type": 3}], [{"id": True, "type": "web"}],
     [{"id": "a", "type": "web"}, {"id": "a", "type": "voice"}]],
)  # fmt: skip
def test_refused_channel_lists_are_kept_and_never_show_a_token(sandbox: Sandbox, tmp_path: Path, body: object) -> None:
    if isinstance(body, list) and isinstance(body[0], dict):
        body[0]["token"] = "planted-secret"
    sandbox.request_log.plan_faults(Fault(path="/channels", status=200, body=json.dumps(body)))
    errors = land_streams(tmp_path, configure_account(sandbox, streams=["channels"]))
    assert error_names(errors) == ["ShapeError"]
    assert "field channels" in str(errors[0])
    assert "planted-secret" not in str(errors[0])
    (batch,) = list_batches(tmp_path, "channels")
    assert not batch.is_complete


def test_a_bot_without_channels_still_lands_its_days(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.request_log.plan_faults(Fault(path="/channels", status=200, body="[]"))
    assert land_streams(tmp_path, configure_account(sandbox, streams=["channel_report"])) == []
    assert [len(batch.parts) for batch in list_batches(tmp_path, "channel_report")] == [1] * len(WINDOW)


def test_ids_are_encoded_in_paths(sandbox: Sandbox, tmp_path: Path) -> None:
    land_streams(
        tmp_path,
        configure_account(sandbox, chatbot_id="../a b/?x", streams=["inbox"]),
        Window.of_day(date(2025, 3, 28)),
    )
    (record,) = sandbox.request_log.select("chatcaptain")
    assert "/statistics/" in record.path


@pytest.mark.parametrize(
    ("setting", "value"),
    [("download_hosts", ["https://x"]), ("download_hosts", ["a/b"]), ("export_poll_seconds", [5, 2]),
     ("export_poll_seconds", [0, 2]), ("export_columns", {"Foo": "foo"}), ("call_duration_unit", "hours")],
)  # fmt: skip
def test_refused_settings(setting: str, value: object) -> None:
    payload = {"name": "a", "chatbot_id": "c", "api_key": "secret-key", setting: value}
    with pytest.raises(ValueError, match=setting):
        ChatcaptainAccount.model_validate(payload)
