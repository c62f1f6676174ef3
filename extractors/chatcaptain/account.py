"""A ChatCaptain chatbot: its settings, and the one way in which all its endpoints are asked. No endpoint is here.

Source: the vendor's REST reference and client. ``from`` and ``to`` are instants and both inside the range.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from extractors.account import Account, BaseUrl, Credential, PathId
from extractors.errors import CredentialRefused, RequestRefused
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.redaction import redact
from extractors.windows import Window, rfc3339

PERMISSIONS = {
    "channels": "chatbots.statistics.get",
    "overview_report": "chatbots.statistics.get",
    "channel_report": "chatbots.statistics.get",
    "inbox": "chatbots.statistics.get",
    "export": "chatbots.statistics.export",
}
STORAGE_HOST = "storage.googleapis.com"
CALL_TYPES = frozenset({"voice", "audiocodes"})

ExportField = Literal[
    "conversation_id",
    "started_at",
    "ended_at",
    "channel_id",
    "channel_type",
    "language",
    "messages",
    "user_messages",
    "interactions",
    "intents",
    "intent_score",
    "duration_seconds",
    "end_reason",
    "transfer_target",
    "user_id",
    "conversations",
]


def _host_name(text: str) -> str:
    name = text.strip().rstrip(".").casefold()
    if not name or urlsplit(f"//{name}").hostname != name.strip("[]"):
        raise ValueError(f"{text!r} is no host name; give it without scheme, port and path")
    return name.strip("[]")


HostName = Annotated[str, AfterValidator(_host_name)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class ChatcaptainAccount(Account):
    """A ChatCaptain chatbot."""

    PROVIDER: ClassVar[str] = "chatcaptain"
    STREAMS: ClassVar[tuple[str, ...]] = tuple(PERMISSIONS)

    base_url: BaseUrl = "https://api.chatcaptain.com"
    chatbot_id: PathId = Field(description="The chatbot's id")
    api_key: SecretStr = Field(description="API key with the permissions chatbots.statistics.get and .export")
    call_duration_unit: Literal["seconds", "minutes", "milliseconds"] = Field(
        default="seconds", description="Unit of the call durations in channel reports"
    )
    download_hosts: tuple[HostName, ...] | None = Field(
        default=None, description=f"Hosts that may serve exports, any port; default: {STORAGE_HOST}, base_url's host"
    )
    export_columns: Mapping[str, ExportField] = Field(
        default_factory=dict, description="Header of an export's column -> field, before the built-in map"
    )
    export_poll_seconds: tuple[Seconds, Seconds] = Field(
        default=(2, 30), description="First and longest pause between two looks at a job"
    )
    export_start_deadline_seconds: Seconds = Field(default=300, description="How long a job may wait for its turn")
    export_deadline_seconds: Seconds = Field(default=900, description="How long a job may take")
    export_retry_minutes: float = Field(
        default=30, ge=0, description="How long no other job is started after the answer to one was lost"
    )

    @model_validator(mode="after")
    def _pauses_grow(self) -> Self:
        if self.export_poll_seconds[0] > self.export_poll_seconds[1]:
            raise ValueError("export_poll_seconds is [first pause, longest pause]")
        return self

    @property
    def external_id(self) -> str:
        """The chatbot's id."""
        return self.chatbot_id

    @property
    def allowed_download_hosts(self) -> frozenset[str]:
        """The hosts that may serve this account's exports."""
        default = (STORAGE_HOST, (urlsplit(self.base_url).hostname or "").casefold())
        return frozenset(self.download_hosts if self.download_hosts is not None else default)

    def credential(self) -> Credential:
        """The key in its header."""
        return Credential(headers={"x-chatcaptain-key": self.api_key.get_secret_value()})

    def default_streams(self) -> tuple[str, ...]:
        """All of them."""
        return self.STREAMS


def get_chatcaptain_account(session: Session) -> ChatcaptainAccount:
    """The session's account with this provider's settings."""
    account = session.account
    if not isinstance(account, ChatcaptainAccount):
        raise TypeError(f"{account.name} is no ChatCaptain account")
    return account


def build_range_query(session: Session, window: Window) -> dict[str, str]:
    """``from`` and ``to`` of a window of local days: its first and its last millisecond, in UTC."""
    zone = session.account.zone
    return {"from": rfc3339(window.first_instant(zone)), "to": rfc3339(window.last_millisecond(zone))}


async def request_statistics(
    session: Session,
    stream: str,
    path: str,
    query: Mapping[str, str],
    *,
    context: Mapping[str, Any] | None = None,
) -> Response:
    """GET one answer below ``statistics``; an ``error`` inside a 200 is a refusal like any other.

    A 403 names the permission that is missing and the ``streams:`` line that would do without it.
    """
    try:
        answer = await session.request(stream, "GET", statistics_path(session, path), query=query, context=context)
    except CredentialRefused as error:
        raise explain_missing_permission(session, error) from error
    said = read_embedded_error(answer)
    if said:
        raise RequestRefused(
            session.where(stream),
            f"HTTP {answer.status}, but the provider says: {said}",
            "check the account's ids and settings",
            status=answer.status,
            body=answer.body,
        )
    return answer


def statistics_path(session: Session, path: str) -> str:
    """The path of an endpoint of this chatbot."""
    return f"/v1/chatbots/{quote(session.account.external_id, safe='')}/statistics/{path}"


def read_embedded_error(answer: Response) -> str | None:
    """What ``error`` in an answer says, None when there is none."""
    body = answer.json() if answer.body else None
    error = body.get("error") if isinstance(body, dict) else None
    if not error:
        return None
    inner = error.get("message", error) if isinstance(error, dict) else error
    return redact(str(inner))[:300]


def explain_missing_permission(session: Session, error: CredentialRefused) -> CredentialRefused:
    """The refusal of a 403 with the permission that the refused stream needs; any other refusal as it is."""
    permission = PERMISSIONS.get(error.where.stream or "")
    if not permission or not error.problem.startswith("HTTP 403"):
        return error
    rest = [stream for stream in session.account.enabled_streams if PERMISSIONS[stream] != permission]
    otherwise = f", or leave it out with `streams: [{', '.join(rest)}]`" if rest else ""
    return CredentialRefused(
        error.where,
        f"{error.problem}; the key lacks the permission {permission}",
        f"grant it at ChatCaptain{otherwise}",
    )
