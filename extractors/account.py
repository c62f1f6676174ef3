"""The settings that accounts of all providers share. No file is read here.

A provider's module subclasses ``Account`` with its own ids, credentials and settings. Pydantic validates the whole. A
field typed ``SecretStr`` may be given by reference (``${VARIABLE}``) only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from extractors.setting_text import convert_text
from extractors.similar_names import suggest


def _check_zone_name(name: str) -> str:
    if name not in _list_zones():
        known = _list_zones()
        near = [zone for zone in sorted(known) if zone.rpartition("/")[2].casefold() == name.strip().casefold()][:2]
        hint = (
            f"; did you mean {' or '.join(near)}?"
            if near
            else suggest(name, (zone for zone in known if "/" in zone or zone == "UTC"))
        )
        raise ValueError(f"there is no time zone {name!r}{hint or '; use a name such as Europe/Berlin'}")
    return name


@cache
def _list_zones() -> frozenset[str]:
    # `localtime` is the setting of this machine, which no warehouse knows
    return frozenset(available_timezones() - {"localtime"})


def _has_known_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _check_base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme in ("http", "https") and parts.hostname and not _has_known_port(parts):
        raise ValueError("the port of a base_url is a number from 1 to 65535")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a base_url begins with https:// (or http://) and a host name")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("a base_url has no credential, query or fragment")
    return url.rstrip("/")


_LABEL_NAME = re.compile(r"^[a-z][a-z0-9_]{0,49}$")


def _check_label_name(name: str) -> str:
    if not _LABEL_NAME.match(name):
        raise ValueError("the name of a label is up to 50 small letters, digits and underscores, such as customer")
    return name


# formats and patterns are for the JSON Schema that editors read
ZoneName = Annotated[str, AfterValidator(_check_zone_name), Field(json_schema_extra={"format": "time-zone"})]
BaseUrl = Annotated[
    str, AfterValidator(_check_base_url), Field(json_schema_extra={"pattern": "^https?://[^/?#@]+(/[^?#]*)?$"})
]
LabelName = Annotated[str, AfterValidator(_check_label_name), Field(json_schema_extra={"pattern": _LABEL_NAME.pattern})]
LabelValue = Annotated[str, Field(min_length=1, max_length=200)]
PathId = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Credential:
    """The headers, or (only for hosts that insist) the query parameters, that authorise a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


class Settings(BaseModel):
    """Common rules of all settings: unknown keys are refused, values are immutable, a text stays as it is written.

    A text for a number, a flag or a day is read by the rules of ``setting_text``, for all fields of all models.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if value is None and type(None) not in get_args(field.annotation):
            missing = "is missing" if field.is_required() else "has no value; give it one, or leave the key out"
            raise ValueError(missing)
        return convert_text(field.annotation, value)


class RateLimit(Settings):
    """At most ``requests`` in any ``period_seconds``, and ``concurrency`` at once; None: the provider's default."""

    requests: int | None = Field(default=None, ge=1, description="Requests in any period; default: the provider's")
    period_seconds: float | None = Field(default=None, gt=0, description="Length of the period in seconds")
    concurrency: int | None = Field(default=None, ge=1, le=64, description="Requests of one account at once")


LEAST_KEY_LENGTH = 22
"""The fewest characters of a key of pseudonyms: 128 random bits in base64. A shorter one can be found by trying."""


class Budget(Settings):
    """What one run may ask of a provider for one account. A provider whose pages have no end fills no disk."""

    requests: int = Field(default=1_000_000, ge=1, description="Requests of a run for the account, repeats included")
    megabytes: int = Field(
        default=20_000, ge=1, description="Megabytes of answers and files that a run takes for the account, unpacked"
    )


class Privacy(Settings):
    """The personal data that may reach the warehouse. The landing zone keeps responses as they came."""

    key: SecretStr | None = Field(
        default=None,
        description=f"Key of the pseudonyms, at least {LEAST_KEY_LENGTH} characters; without it user ids are dropped",
    )
    user_ids: Literal["hash", "drop"] = Field(default="hash", description="Keyed hashes of user ids, or none of them")
    conversation_ids: Literal["keep", "hash"] = Field(
        default="keep", description="Ids of single conversations as the provider gave them, or keyed hashes of them"
    )
    transfer_targets: Literal["keep", "hash"] = Field(
        default="keep", description="Targets of handed-over conversations as reported, or keyed hashes of them"
    )
    message_texts: Literal["drop", "keep"] = Field(default="drop", description="Whether texts of users are kept")
    properties: Literal["drop", "keep"] = Field(default="drop", description="Whether free-form properties are kept")

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: SecretStr | None) -> SecretStr | None:
        # an empty one stands for a variable that is not set, where that is allowed
        if key is not None and 0 < len(key.get_secret_value()) < LEAST_KEY_LENGTH:
            raise ValueError(
                f"is shorter than {LEAST_KEY_LENGTH} characters: pseudonyms could be undone by trying keys; "
                "make one with `openssl rand -base64 32`"
            )
        return key

    @model_validator(mode="after")
    def _check_hashes_have_a_key(self) -> "Privacy":
        for name in ("conversation_ids", "transfer_targets"):
            if self.key is None and getattr(self, name) == "hash":
                raise ValueError(f"{name}: hash needs a key; set privacy.key, or keep them")
        return self


class Account(Settings):
    """One bot, project or chatbot at one provider."""

    PROVIDER: ClassVar[str]
    STREAMS: ClassVar[tuple[str, ...]]
    PRIVACY_SETTINGS: ClassVar[tuple[str, ...]] = ()
    """The settings of ``privacy`` on which facts of this provider depend."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)] = Field(
        description="Name of the account in every table; unique, small letters, digits and hyphens"
    )
    base_url: BaseUrl = Field(description="Address of the provider's API; the credential is sent nowhere else")
    timezone: ZoneName = Field(default="UTC", description="IANA zone whose calendar days are loaded")
    start_date: date | None = Field(
        default=None, description="First day that is loaded; a later day without data is a gap"
    )
    lookback_days: int = Field(
        default=3, ge=0, le=400, description="Days before the loaded day that the daily load reads again"
    )
    streams: tuple[str, ...] | None = Field(default=None, description="Streams to fetch; default: docs/mapping.md")
    rate_limit: RateLimit = Field(default=RateLimit(), description="Limits of the requests to the provider")
    max_wait_seconds: float = Field(default=60, ge=0, description="The longest a run waits for one limit")
    budget: Budget = Field(default=Budget(), description="What a run may ask of the provider before it stops")
    privacy: Privacy = Field(default=Privacy(), description="Personal data that may reach the warehouse")
    labels: dict[LabelName, LabelValue] = Field(
        default={}, max_length=20, description="Own words about the account, such as customer, brand, market"
    )

    _unset_variables: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("streams")
    @classmethod
    def _check_streams(cls, streams: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if streams is None:
            return None
        if not streams:
            raise ValueError("streams names at least one stream")
        known = cls.STREAMS
        names = tuple(dict.fromkeys(stream.removeprefix(f"{cls.PROVIDER}.") for stream in streams))
        unknown = [name for name in names if name not in known]
        if unknown:
            hint = suggest(unknown[0], known)
            raise ValueError(f"there is no stream {', '.join(unknown)}{hint}; {cls.PROVIDER} has {', '.join(known)}")
        return names

    @model_validator(mode="after")
    def _check_zone(self) -> "Account":
        problem = self.validate_zone()
        if problem:
            raise ValueError(problem)
        return self

    def validate_zone(self) -> str | None:
        """Return the reason why this provider cannot serve days of the account's zone; None when it can."""
        return None

    @classmethod
    def validate_accounts(cls, accounts: "Sequence[Account]") -> list[str]:
        """Return the problems of this provider's accounts taken together, a sentence each with accounts and key."""
        return []

    def mark_unset(self, variables: Sequence[str]) -> None:
        """Note the variables of the credential that are not set: no request can be sent for the account then."""
        self._unset_variables = tuple(variables)

    @property
    def unset_variables(self) -> tuple[str, ...]:
        """The variables of the credential that are not set. While there are any, no session is opened."""
        return self._unset_variables

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
        """The provider's id of this account. A change of it makes earlier slices stale."""
        raise NotImplementedError

    @property
    def project_identity(self) -> str:
        """The text that tells the projects of one provider apart. It may be a secret, and is never shown."""
        return self.external_id

    def credential(self) -> Credential:
        """Return the credential of a request. It is sent to the origin of ``base_url`` only."""
        raise NotImplementedError

    def default_streams(self) -> tuple[str, ...]:
        """Return the streams that are fetched when the configuration names none."""
        raise NotImplementedError

    @property
    def enabled_streams(self) -> tuple[str, ...]:
        """The streams that are fetched."""
        return self.streams if self.streams is not None else self.default_streams()


A = TypeVar("A", bound=Account)
A_co = TypeVar("A_co", bound=Account, covariant=True)
A_contra = TypeVar("A_contra", bound=Account, contravariant=True)
