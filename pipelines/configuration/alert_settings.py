"""The settings of messages and warnings: the receivers of alerts, and the check of volumes. Nothing is sent here."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from extractors.account import Settings


class Alerts(Settings):
    """The receivers of messages about loads, and what they are told beside failures."""

    webhook: SecretStr | None = Field(
        default=None, description="URL that receives a JSON object with `text` (as Slack takes it) and plain fields"
    )
    apprise: tuple[SecretStr, ...] = Field(
        default=(),
        description="URLs of the library apprise, for mail, Teams, Slack and others: needs `chatmart[alerts]`",
    )
    reminder_days: int = Field(
        default=7, ge=1, description="Days after which an account that fails night after night is reported again"
    )
    recovery: bool = Field(default=True, description="Whether to report accounts that load again after a failure")
    drift_names: int | None = Field(
        default=1, ge=1, description="New unknown names in the responses of an account that are reported; none: never"
    )
    restated_percent: float | None = Field(
        default=20, ge=0, description="Change of a day's total after its first load that is reported; none: never"
    )
    unusual_numbers: bool = Field(
        default=True, description="Whether to report days that are far from what their weekday usually is"
    )

    @property
    def has_receiver(self) -> bool:
        """Whether anybody is told anything."""
        return self.webhook is not None or bool(self.apprise)

    @field_validator("webhook")
    @classmethod
    def _validate_webhook(cls, webhook: SecretStr | None) -> SecretStr | None:
        if webhook is not None and not _is_web_url(webhook.get_secret_value()):
            raise ValueError("a webhook is an address that begins with https:// (or http://) and a host name")
        return webhook


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        return False


class VolumeCheck(Settings):
    """When a day's number is far from what the same weekday usually is. It is a warning and never a failure."""

    enabled: bool = Field(default=True, description="Whether days are compared with what their weekday usually is")
    deviations: float = Field(
        default=4, gt=0, description="Distance from the median of the weekday, in typical deviations, that is unusual"
    )
    min_count: int = Field(
        default=20, ge=1, description="Smallest count that is judged: of the day, or of its weekday's median"
    )
