"""An Inkeep account: its credential and its streams. No request is sent here."""

from typing import ClassVar

from pydantic import Field, SecretStr, model_validator

from extractors.account import Account, BaseUrl, Credential


class InkeepAccount(Account):
    """The data that an Inkeep key opens; the provider reports no id of it."""

    PROVIDER: ClassVar[str] = "inkeep"
    STREAMS: ClassVar[tuple[str, ...]] = ("conversations", "conversation_totals")
    PRIVACY_SETTINGS: ClassVar[tuple[str, ...]] = ("user_ids", "conversation_ids", "properties")

    base_url: BaseUrl = "https://api.analytics.inkeep.com"
    api_key: SecretStr = Field(description="Key of the analytics API")
    detail: bool = Field(default=True, description="False: daily totals only, no single conversations")

    @model_validator(mode="after")
    def _check_detail(self) -> "InkeepAccount":
        if not self.detail and "conversations" in self.enabled_streams:
            raise ValueError("detail: false pulls no single conversations; leave `conversations` out of streams")
        return self

    @property
    def external_id(self) -> str:
        """Always the same: the key alone determines whose conversations they are."""
        return "default"

    @property
    def project_identity(self) -> str:
        """The key."""
        return self.api_key.get_secret_value()

    def credential(self) -> Credential:
        """Return the key as bearer token."""
        return Credential(headers={"Authorization": f"Bearer {self.api_key.get_secret_value()}"})

    def default_streams(self) -> tuple[str, ...]:
        """Return conversations and their totals; the totals alone without ``detail``."""
        return self.STREAMS if self.detail else ("conversation_totals",)


ACCOUNT = InkeepAccount
