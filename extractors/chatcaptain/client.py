"""Requests below ChatCaptain's ``statistics``: paths, ranges, and the refusals that its endpoints share.

No endpoint is requested here of its own accord (``reports``, ``export``). Source: the vendor's REST reference and
client. ``from`` and ``to`` are instants and both inside the range.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from extractors.chatcaptain.account import PERMISSIONS, ChatcaptainAccount
from extractors.errors import CredentialRefused, RequestRefused
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.redaction import redact
from extractors.windows import Window, format_rfc3339

_MESSAGE_LENGTH = 300  # characters


def build_range_query(account: ChatcaptainAccount, window: Window) -> dict[str, str]:
    """Return ``from`` and ``to`` of a window of local days: its first and its last millisecond, in UTC."""
    zone = account.zone
    return {"from": format_rfc3339(window.first_instant(zone)), "to": format_rfc3339(window.last_millisecond(zone))}


def statistics_path(account: ChatcaptainAccount, path: str) -> str:
    """Return the path of an endpoint of this chatbot."""
    return f"/v1/chatbots/{quote(account.chatbot_id, safe='')}/statistics/{path}"


async def request_statistics(
    session: Session[ChatcaptainAccount],
    stream: str,
    path: str,
    query: Mapping[str, str],
    *,
    context: Mapping[str, Any] | None = None,
) -> Response:
    """GET one response below ``statistics``.

    Raises RequestRefused for an ``error`` inside a 200, and the errors of ``Session.request``. The CredentialRefused
    of a 403 names the missing permission and the ``streams:`` line that works without it.
    """
    try:
        response = await session.request(
            stream, "GET", statistics_path(session.account, path), query=query, context=context
        )
    except CredentialRefused as error:
        raise explain_missing_permission(session.account, error) from error
    message = read_embedded_error(response)
    if message:
        raise RequestRefused(
            session.where(stream),
            f"HTTP {response.status}, but the provider says: {message}",
            "check the account's ids and settings",
            status=response.status,
            body=response.body,
        )
    return response


def read_embedded_error(response: Response) -> str | None:
    """Return the message of a response's ``error`` field, redacted; None when there is none."""
    body = response.json() if response.body else None
    error = body.get("error") if isinstance(body, dict) else None
    if not error:
        return None
    message = error.get("message", error) if isinstance(error, dict) else error
    return redact(str(message))[:_MESSAGE_LENGTH]


def explain_missing_permission(account: ChatcaptainAccount, error: CredentialRefused) -> CredentialRefused:
    """Return the refusal of a 403 with the permission that its stream needs; return any other refusal unchanged."""
    permission = PERMISSIONS.get(error.where.stream or "")
    if not permission or not error.problem.startswith("HTTP 403"):
        return error
    other_streams = [stream for stream in account.enabled_streams if PERMISSIONS[stream] != permission]
    alternative = f", or leave it out with `streams: [{', '.join(other_streams)}]`" if other_streams else ""
    return CredentialRefused(
        error.where,
        f"{error.problem}; the key lacks the permission {permission}",
        f"grant it at ChatCaptain{alternative}",
    )
