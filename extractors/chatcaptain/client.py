"""Requests below ChatCaptain's ``statistics``: paths, ranges, and the refusals that its endpoints share.

No endpoint is requested here of its own accord (``reports``, ``export``). Source: the vendor's REST reference and
client. ``from`` and ``to`` are instants and both inside the range.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from extractors.chatcaptain.account import PERMISSIONS, ChatcaptainAccount
from extractors.errors import CredentialRefused
from extractors.http.messages import STRICT_BODY, BodyRules, Response
from extractors.http.session import Session
from extractors.windows import Window, format_rfc3339


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
    body_rules: BodyRules = STRICT_BODY,
) -> Response:
    """GET one response below ``statistics``, its body checked and cleaned by ``body_rules``.

    Raises the errors of ``Session.request``. The CredentialRefused of a 403 names the missing permission and the
    ``streams:`` line that works without it.
    """
    try:
        return await session.request(
            stream, "GET", statistics_path(session.account, path), query=query, context=context, body_rules=body_rules
        )
    except CredentialRefused as error:
        raise explain_missing_permission(session.account, error) from error


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
