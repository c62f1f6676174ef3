"""A ChatDash account: its id, its credential, its one stream. No request is sent here."""

from typing import ClassVar

from pydantic import Field, SecretStr

from extractors.account import Account, BaseUrl, Credential, PathId

STREAM = "analytics"


class ChatdashAccount(Account):
    """A ChatDash project."""

    PROVIDER: ClassVar[str] = "chatdash"
    STREAMS: ClassVar[tuple[str, ...]] = (STREAM,)
    PRIVACY_SETTINGS: ClassVar[tuple[str, ...]] = ("message_texts",)

    base_url: BaseUrl = "https://api.chat-dash.com/v1/public"
    project_id: PathId = Field(description="The project's id")
    api_key: SecretStr = Field(description="The project's API key")

    @property
    def external_id(self) -> str:
        """The project's id."""
        return self.project_id

    def credential(self) -> Credential:
        """Return the bare key, without a scheme."""
        return Credential(headers={"Authorization": self.api_key.get_secret_value()})

    def default_streams(self) -> tuple[str, ...]:
        """Return the only stream."""
        return (STREAM,)


ACCOUNT = ChatdashAccount
