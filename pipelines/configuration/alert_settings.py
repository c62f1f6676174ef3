"""The settings of messages and warnings: the receivers of alerts, and the check of volumes. Nothing is sent here."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from extractors.account import Settings


class Alerts(Settings):
    """The receiver of messages about failed loads."""

    webhook: SecretStr | None = Field(
        default=None, description="URL that receives a JSON object with `text` (as Slack takes it) and plain fields"
    )

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
