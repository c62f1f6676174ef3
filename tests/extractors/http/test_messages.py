from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.errors import CredentialRefused, ErrorLocation, RateLimited, RequestRefused, Transient, UnexpectedStatus
from extractors.http.messages import parse_retry_after, raise_for_status

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
WHERE = ErrorLocation("cognigy", "acme", "conversation_counter")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 1.5 ", 1.5),
        ("Sat, 10 Jan 2026 12:01:00 GMT", 60),
        ("Sat, 10 Jan 2026 13:01:00 +0100", 60),
        ("Saturday, 10-Jan-26 12:01:00 GMT", 60),
        ("Sat, 10 Jan 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after(retry_after: str, seconds: float | None) -> None:
    assert parse_retry_after(httpx.Headers({"Retry-After": retry_after}), NOW) == seconds


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n\0")) | st.integers().map(str))
def test_retry_after_never_fails(retry_after: str) -> None:
    seconds = parse_retry_after(httpx.Headers({"retry-after": retry_after}), NOW)
    assert seconds is None or 0 <= seconds < 400 * 86_400


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialRefused),
        (403, CredentialRefused),
        (400, RequestRefused),
        (404, RequestRefused),
        (405, RequestRefused),
        (418, RequestRefused),
        (408, Transient),
        (429, RateLimited),
        (500, Transient),
        (503, Transient),
        (599, Transient),
    ],
)
def test_each_status_has_its_place_in_the_taxonomy(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=rf"acme \(cognigy\.conversation_counter\): HTTP {status}, the provider says: no"):
        raise_for_status(WHERE, status, httpx.Headers(), b'{"message": "no"}', NOW)


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (400, b"{}", "check the account's ids and settings"),
        (404, b'{"detail": "no such project"}', "check the account's ids and settings"),
        (
            404,
            b"<html>404 Not Found</html>",
            "no answer of cognigy's API (no JSON): check base_url, then the account's ids",
        ),
        (404, b"", "no answer of cognigy's API (no JSON): check base_url, then the account's ids"),
        (405, b"Method Not Allowed", "no answer of cognigy's API (no JSON): check base_url"),
        (
            409,
            b'{"title": "Conflict"}',
            "a conflict with another request; wait until that has ended, then run this again",
        ),
        (201, b'{"items": []}', "no whole answer of an API: check base_url"),
        (204, b"", "no whole answer of an API: check base_url"),
        (206, b"{}", "no whole answer of an API: check base_url"),
        (300, b"{}", "no whole answer of an API: check base_url"),
        (304, b"", "no whole answer of an API: check base_url"),
        (302, b'{"items": []}', "no whole answer of an API: check base_url"),
    ],
)
def test_a_refusal_advises_on_its_own_cause(status: int, body: bytes, advice: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        raise_for_status(WHERE, status, httpx.Headers(), body, NOW)
    assert advice in str(caught.value)
    assert caught.value.status == status


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 206, 226, 299, 300, 302, 304, 399])
def test_only_200_is_an_answer_unless_the_request_accepts_others(status: int) -> None:
    raise_for_status(WHERE, 200, httpx.Headers(), b"", NOW)
    raise_for_status(WHERE, status, httpx.Headers(), b"", NOW, (200, status))
    sentence = (
        rf"conversation_counter\): HTTP {status}, where only 200 or 999 is an answer, the provider says: no; this"
    )
    with pytest.raises(UnexpectedStatus, match=sentence):
        raise_for_status(WHERE, status, httpx.Headers(), b'{"message": "no"}', NOW, (200, 999))


@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_back_stands_in_the_error(status: int) -> None:
    with pytest.raises((RateLimited, Transient)) as caught:
        raise_for_status(WHERE, status, httpx.Headers({"retry-after": "9"}), b"", NOW)
    assert caught.value.retry_after == 9
