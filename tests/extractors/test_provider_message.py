import json

import pytest

from extractors.provider_message import find_reported_failure, parse_error_message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "no"}, "no"),
        (
            {"type": "x", "title": "Bad Request", "status": 400, "detail": "month is\n wrong", "code": "7"},
            "month is wrong",
        ),
        ({"error": {"message": "inner"}}, "inner"),
        ({"code": 8, "message": "", "details": []}, ""),
        ("text", "text"),
        ([1], ""),
        ({"message": "a\x1b[2Jb\u202e"}, "a?[2Jb?"),
        ({"message": "x" * 1000}, "x" * 300),
    ],
)
def test_a_providers_own_words(body: object, message: str) -> None:
    assert parse_error_message(json.dumps(body).encode()) == message


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 50_000])
def test_a_body_without_words_says_nothing(body: bytes) -> None:
    assert parse_error_message(body) == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"items": [], "errors": [{"message": "out of memory"}]}, "out of memory"),
        ({"items": [], "errors": ["first", {"detail": "second"}]}, "first; second"),
        ({"data": {}, "error": {"message": "quota is used up"}}, "quota is used up"),
        ({"status": "ok", "data": {"result": []}, "error": "no tenant"}, "no tenant"),
        ({"conversations": None, "error": True}, "true"),
        ({"error": {"id": 7}}, '{"id":7}'),
        ({"fault": {"faultstring": "x"}}, '{"faultstring":"x"}'),
        ({"status": "Failed", "message": "disk is full"}, "disk is full"),
        ({"status": "error"}, "status error"),
        ({"state": "FAILURE", "items": []}, "state FAILURE"),
        ({"success": False, "data": {}}, "success is false"),
        ({"ok": False, "detail": "no"}, "no"),
        ({"code": 16, "message": "token is unknown", "details": []}, "token is unknown (code 16)"),
        ({"code": "8", "message": "busy"}, "busy (code 8)"),
        ({"title": "Bad Gateway", "status": 502, "items": []}, "Bad Gateway (status 502)"),
    ],
)
def test_a_failure_that_a_body_reports(body: object, words: str) -> None:
    assert find_reported_failure(body) == words


@pytest.mark.parametrize(
    "body",
    [
        [],
        "error",
        {},
        {"items": [], "errors": []},
        {"error": None, "errors": {}, "fault": ""},
        {"error": False},
        {"status": "ok", "data": {}},
        {"status": "completed", "downloadUrl": "https://files.example.test/1"},
        {"code": 0, "message": ""},
        {"code": 0, "message": "OK"},
        {"status": 200, "message": "fine"},
        {"code": 16},
        {"success": True, "ok": None},
        {"CONVERSATION_COUNT": 3, "1": 3},
    ],
)
def test_a_body_that_reports_no_failure(body: object) -> None:
    assert find_reported_failure(body) is None


def test_a_failures_words_are_without_secrets_and_control_characters() -> None:
    assert find_reported_failure({"error": "a\x1b[2Jb" + "x" * 1000}) == "a?[2Jb" + "x" * 294
