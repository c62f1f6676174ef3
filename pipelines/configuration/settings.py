"""What an operator may set: when daily loads start, whom to tell of a failure, what is kept, who owns what.

Values and the times that follow from them; nothing is started, sent or deleted here.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, field_validator

from extractors.account import Settings, ZoneName
from extractors.registry import PROVIDERS

CATCH_UP_DAYS = 35
"""How far back a daily load looks for days that are not as they should be, unless the configuration says otherwise."""


class TimeOfDay(Settings):
    """A time that comes once a day in its zone.

    Where a clock jumps over it, it is when the clock has jumped; where it comes twice, it is the second time. That is
    how Dagster's schedules read it too.
    """

    hour: int = Field(default=5, ge=0, le=23, description="Hour of the day in `timezone`")
    minute: int = Field(default=30, ge=0, le=59, description="Minute of the hour")
    timezone: ZoneName = Field(default="UTC", description="IANA zone of hour and minute")

    def next_after(self, now: datetime) -> datetime:
        """The first such instant (UTC) after ``now``."""
        return next(at for ahead in range(-1, 3) if (at := self._on(now, ahead)) > now)

    def last_before(self, now: datetime) -> datetime:
        """The last such instant (UTC) at or before ``now``."""
        return next(at for back in range(-1, 3) if (at := self._on(now, -back)) <= now)

    def _on(self, now: datetime, ahead: int) -> datetime:
        zone = ZoneInfo(self.timezone)
        day = now.astimezone(zone).date() + timedelta(days=ahead)
        local = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=zone, fold=1)
        while not _exists(local):
            local += timedelta(minutes=1)
        return local.astimezone(UTC)


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)


class OwnTime(Settings):
    """What a provider's daily load has instead of the common time."""

    hour: int | None = Field(default=None, ge=0, le=23, description="Hour of the day in `timezone`")
    minute: int | None = Field(default=None, ge=0, le=59, description="Minute of the hour")
    timezone: ZoneName | None = Field(default=None, description="IANA zone of hour and minute")


def _known_provider(name: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"there is no provider of that name; known: {', '.join(PROVIDERS)}")
    return name


class Schedule(TimeOfDay):
    """When the daily loads start."""

    providers: dict[Annotated[str, AfterValidator(_known_provider)], OwnTime] = Field(
        default={}, description="A provider's own time; what is left out is the common one"
    )

    @property
    def common_time(self) -> TimeOfDay:
        """The time of all providers that have none of their own."""
        return TimeOfDay(hour=self.hour, minute=self.minute, timezone=self.timezone)

    def provider_time(self, provider: str) -> TimeOfDay:
        """When the daily load of a provider starts."""
        own = self.providers.get(provider, OwnTime()).model_dump(exclude_none=True)
        return TimeOfDay.model_validate({**self.common_time.model_dump(), **own})


class Alerts(Settings):
    """Whom to tell when a load fails."""

    webhook: SecretStr | None = Field(
        default=None, description="Address that is sent a JSON object with `text` (as Slack takes it) and plain fields"
    )

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, webhook: SecretStr | None) -> SecretStr | None:
        if webhook is not None and not _sendable_to(webhook.get_secret_value()):
            raise ValueError("a webhook is an address that begins with https:// (or http://) and a host name")
        return webhook


def _sendable_to(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        return False


class Retention(Settings):
    """What maintenance deletes. Loaded slices, and the answers that they rest on, are kept whatever stands here."""

    landing_days: int | None = Field(
        default=None, ge=1, description="Days that an answer is kept after newer ones have replaced it; none: for ever"
    )
    dagster_days: int = Field(
        default=90, ge=1, description="Days that the logs of Dagster's runs are kept; what is materialised stays"
    )


def _known_owner(owner: str) -> str:
    if not re.fullmatch(r"team:[A-Za-z0-9_.-]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", owner):
        raise ValueError("an owner is a mail address, or a team as in team:data")
    return owner


class OperatingSettings(Settings):
    """The keys of the configuration file that are about operating, beside ``schedule``."""

    catch_up_days: int = Field(
        default=CATCH_UP_DAYS,
        ge=0,
        le=400,
        description="Days back from yesterday in which a daily load also takes what is missing, failed or stale",
    )
    alerts: Alerts = Field(default=Alerts(), description="Whom to tell when a load fails")
    retention: Retention = Field(default=Retention(), description="What maintenance deletes")
    owners: tuple[Annotated[str, AfterValidator(_known_owner)], ...] = Field(
        default=(), description="Owners of all assets in Dagster: `team:data`, or a mail address"
    )
