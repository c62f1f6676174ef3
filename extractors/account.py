"""What every account of a configuration has, whichever its provider. Reading files is not done here.

A provider's module subclasses ``Account`` with its own ids, credentials and settings; the whole is validated by
pydantic, and a field typed ``SecretStr`` may be given by reference (``${VARIABLE}``) only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"there is no time zone {name!r}; use a name such as Europe/Berlin")
    return name


@cache
def _zones() -> frozenset[str]:
    # `localtime` is whatever this machine is set to: no database knows it
    return frozenset(available_timezones() - {"localtime"})


def _plain_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("a base_url begins with https:// (or http://) and a host name")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("a base_url has no credential, query or fragment")
    return url.rstrip("/")


# the formats are for the schema that editors read
ZoneName = Annotated[str, AfterValidator(_known_zone), Field(json_schema_extra={"format": "time-zone"})]
BaseUrl = Annotated[
    str, AfterValidator(_plain_url), Field(json_schema_extra={"pattern": "^https?://[^/?#@]+(/[^?#]*)?$"})
]
PathId = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Credential:
    """What authorises a request: headers, or (only for hosts that insist) query parameters."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


class Settings(BaseModel):
    """Common rules of all settings: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, allow_inf_nan=False)


class RateLimit(Settings):
    """At most ``requests`` in any ``period_seconds``, and ``concurrency`` at once; None: the provider's default."""

    requests: int | None = Field(default=None, ge=1, description="Requests in any period; default: the provider's")
    period_seconds: float | None = Field(default=None, gt=0, description="Length of the period in seconds")
    concurrency: int | None = Field(default=None, ge=1, le=64, description="Requests of one account at once")


class Privacy(Settings):
    """What may reach the warehouse of a person's data; the landing zone always keeps answers as they came."""

    key: SecretStr | None = Field(default=None, description="Key of the pseudonyms; without it user ids are dropped")
    user_ids: Literal["hash", "drop"] = Field(default="hash", description="Keyed hashes of user ids, or none of them")
    message_texts: Literal["drop", "keep"] = Field(default="drop", description="Whether texts of users are kept")
    properties: Literal["drop", "keep"] = Field(default="drop", description="Whether free-form properties are kept")


class Account(Settings):
    """One bot, project or chatbot at one provider."""

    PROVIDER: ClassVar[str]
    STREAMS: ClassVar[tuple[str, ...]]

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)] = Field(
        description="What the account is called in every table; unique, small letters, digits and hyphens"
    )
    base_url: BaseUrl = Field(description="Where the provider's API is; the credential goes nowhere else")
    timezone: ZoneName = Field(default="UTC", description="IANA zone whose calendar days are loaded")
    start_date: date | None = Field(
        default=None, description="First day that is loaded; later days without data are gaps"
    )
    lookback_days: int = Field(
        default=3, ge=0, le=400, description="Days before the loaded day that the daily load reads again"
    )
    streams: tuple[str, ...] | None = Field(default=None, description="Which streams to pull; default: docs/mapping.md")
    rate_limit: RateLimit = Field(default=RateLimit(), description="Rate limit; default: the provider's")
    max_wait_seconds: float = Field(default=60, ge=0, description="The longest a run waits for one limit")
    privacy: Privacy = Field(default=Privacy(), description="Which personal data may reach the warehouse")

    @field_validator("streams")
    @classmethod
    def _known_streams(cls, streams: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if streams is None:
            return None
        if not streams:
            raise ValueError("streams names at least one stream")
        known = cls.STREAMS
        bare = tuple(dict.fromkeys(stream.removeprefix(f"{cls.PROVIDER}.") for stream in streams))
        unknown = [stream for stream in bare if stream not in known]
        if unknown:
            raise ValueError(f"there is no stream {', '.join(unknown)}; {cls.PROVIDER} has {', '.join(known)}")
        return bare

    @model_validator(mode="after")
    def _zone_is_supported(self) -> "Account":
        problem = self.validate_zone()
        if problem:
            raise ValueError(problem)
        return self

    def validate_zone(self) -> str | None:
        """Why this provider cannot serve days of the account's zone, or None."""
        return None

    @classmethod
    def validate_accounts(cls, accounts: "Sequence[Account]") -> list[str]:
        """What is wrong with this provider's accounts taken together; one sentence each, naming accounts and key."""
        return []

    @property
    def provider(self) -> str:
        """The slug of the provider."""
        return self.PROVIDER

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days are loaded."""
        return ZoneInfo(self.timezone)

    @property
    def external_id(self) -> str:
        """What the provider calls this account; a change of it makes earlier slices stale."""
        raise NotImplementedError

    def credential(self) -> Credential:
        """What authorises a request; it travels to the origin of ``base_url`` only."""
        raise NotImplementedError

    def default_streams(self) -> tuple[str, ...]:
        """The streams that are pulled when the configuration names none."""
        raise NotImplementedError

    @property
    def enabled_streams(self) -> tuple[str, ...]:
        """The streams that are pulled."""
        return self.streams if self.streams is not None else self.default_streams()
