"""A ChatCaptain account: its id, its credential, its streams and their permissions, its exports. No request is sent.

Source: the vendor's REST reference and client.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from extractors.account import Account, BaseUrl, Credential, PathId

PERMISSIONS = {
    "channels": "chatbots.statistics.get",
    "overview_report": "chatbots.statistics.get",
    "channel_report": "chatbots.statistics.get",
    "inbox": "chatbots.statistics.get",
    "export": "chatbots.statistics.export",
}
"""The permission that each stream needs."""

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


def _normalize_host_name(text: str) -> str:
    name = text.strip().rstrip(".").casefold()
    if not name or urlsplit(f"//{name}").hostname != name.strip("[]"):
        raise ValueError(f"{text!r} is no host name; give it without scheme, port and path")
    return name.strip("[]")


HostName = Annotated[str, AfterValidator(_normalize_host_name)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class ChatcaptainAccount(Account):
    """A ChatCaptain chatbot."""

    PROVIDER: ClassVar[str] = "chatcaptain"
    STREAMS: ClassVar[tuple[str, ...]] = tuple(PERMISSIONS)
    PRIVACY_SETTINGS: ClassVar[tuple[str, ...]] = ("user_ids", "conversation_ids", "transfer_targets")

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
    export_decimal_sign: Literal[".", ","] | None = Field(
        default=None, description="Decimal sign of an export's numbers; default: the one that the file shows"
    )
    export_poll_seconds: tuple[Seconds, Seconds] = Field(
        default=(2, 30), description="First and longest pause between two polls of a job"
    )
    export_start_deadline_seconds: Seconds = Field(default=300, description="How long a job may wait for its turn")
    export_deadline_seconds: Seconds = Field(default=900, description="How long a job may take")
    export_retry_minutes: float = Field(
        default=30, ge=0, description="How long no other job is started after the response to a creation was lost"
    )

    @model_validator(mode="after")
    def _check_poll_seconds(self) -> Self:
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
        """Return the key in its header."""
        return Credential(headers={"x-chatcaptain-key": self.api_key.get_secret_value()})

    def default_streams(self) -> tuple[str, ...]:
        """Return all streams."""
        return self.STREAMS


ACCOUNT = ChatcaptainAccount
