"""The settings of operation: times of the daily loads, alerts, retention, reports, owners of the assets.

Only values, and the instants computed from them: nothing is started, sent or deleted here.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator

from extractors.account import Settings, ZoneName
from extractors.registry import PROVIDERS
from pipelines.configuration.alert_settings import Alerts, VolumeCheck
from pipelines.configuration.secrets import SecretAddress

if TYPE_CHECKING:  # the HTTP client is slow to import, and few configurations have a section `network`
    from extractors.http.network import Network

CATCH_UP_DAYS = 35
"""Default of ``catch_up_days``: a daily load looks this many days back for missing, failed and stale days."""


class TimeOfDay(Settings):
    """A time that occurs once a day in ``timezone``.

    A time that the clock jumps over occurs when the clock has jumped. A time that comes twice occurs the second time.
    Dagster's schedules read times in the same way.

    >>> TimeOfDay(hour=2, minute=30, timezone="Europe/Berlin").next_after(datetime(2025, 3, 30, tzinfo=UTC))
    datetime.datetime(2025, 3, 30, 1, 0, tzinfo=datetime.timezone.utc)
    """

    hour: int = Field(default=5, ge=0, le=23, description="Hour of the day in `timezone`")
    minute: int = Field(default=30, ge=0, le=59, description="Minute of the hour")
    timezone: ZoneName = Field(default="UTC", description="IANA zone of hour and minute")

    def next_after(self, now: datetime) -> datetime:
        """Return the first such instant (UTC) after ``now``."""
        return next(at for days in range(-1, 3) if (at := self._instant_on(now, days)) > now)

    def last_before(self, now: datetime) -> datetime:
        """Return the last such instant (UTC) at or before ``now``."""
        return next(at for days in range(-1, 3) if (at := self._instant_on(now, -days)) <= now)

    def _instant_on(self, now: datetime, days_later: int) -> datetime:
        """Return the instant (UTC) of the local day that is ``days_later`` days after that of ``now``."""
        zone = ZoneInfo(self.timezone)
        day = now.astimezone(zone).date() + timedelta(days=days_later)
        local = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=zone, fold=1)
        while not _is_on_the_clock(local):
            local += timedelta(minutes=1)
        return local.astimezone(UTC)


def _is_on_the_clock(local: datetime) -> bool:
    """Whether a local time exists: one in the hour that the clock jumps over does not."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)


class ProviderTime(Settings):
    """A provider's own time of the daily load; None: as in the common time."""

    hour: int | None = Field(default=None, ge=0, le=23, description="Hour of the day in `timezone`")
    minute: int | None = Field(default=None, ge=0, le=59, description="Minute of the hour")
    timezone: ZoneName | None = Field(default=None, description="IANA zone of hour and minute")


def _validate_provider(name: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"there is no provider of that name; known: {', '.join(PROVIDERS)}")
    return name


class Schedule(TimeOfDay):
    """The times at which the daily loads start."""

    providers: dict[Annotated[str, AfterValidator(_validate_provider)], ProviderTime] = Field(
        default={}, description="A provider's own time; keys that are left out are as in the common time"
    )

    @property
    def common_time(self) -> TimeOfDay:
        """The time of all providers that have no time of their own."""
        return TimeOfDay(hour=self.hour, minute=self.minute, timezone=self.timezone)

    def provider_time(self, provider: str) -> TimeOfDay:
        """Return the time at which the daily load of a provider starts."""
        own = self.providers.get(provider, ProviderTime()).model_dump(exclude_none=True)
        return TimeOfDay.model_validate({**self.common_time.model_dump(), **own})


def _is_postgres_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname and parts.path.strip("/")) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("postgresql", "postgresql+psycopg2") and is_complete and "password=" not in parts.query


class NetworkSettings(Settings):
    """The way to the providers, to the hosts of their files, and to the webhook of alerts."""

    proxy: str | None = Field(
        default=None,
        repr=False,
        description="URL of the proxy for all requests; one with a credential is given as ${VARIABLE}",
    )
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description="PEM file of authorities to trust beside the public ones; relative to this file's folder",
    )
    use_environment: bool = Field(
        default=False,
        description="Whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR count",
    )

    @field_validator("proxy")
    @classmethod
    def _validate_proxy(cls, proxy: str | None) -> str | None:
        from extractors.http.network import is_proxy_url  # imported late: only a proxy needs it

        if proxy is not None and not is_proxy_url(proxy):
            raise ValueError("a proxy is http:// (or https://), a host name and a port, perhaps with a credential")
        return proxy

    def resolve(self, folder: Path) -> "Network":
        """Return the network, with a relative ``ca_file`` taken from ``folder``."""
        from extractors.http.network import Network  # imported late: only requests need it

        return Network(self.proxy, folder / self.ca_file if self.ca_file else None, self.use_environment)


class Retention(Settings):
    """The data that maintenance deletes. Totals of days are always kept.

    The responses that slices rest on are kept too, unless ``response_days`` says for how long.
    """

    landing_days: int | None = Field(
        default=None, ge=1, description="Days that a response is kept after newer ones have replaced it; none: no limit"
    )
    response_days: int | None = Field(
        default=None,
        ge=1,
        description="Longest time in days that a response is kept, also one that slices rest on; none: no limit",
    )
    conversation_days: int | None = Field(
        default=None, ge=1, description="Days that single conversations are kept in the warehouse; none: no limit"
    )
    dagster_days: int = Field(
        default=90, ge=1, description="Days that the logs of Dagster's runs are kept; materialisations stay"
    )


class ObjectStoreSettings(Settings):
    """The way to the object store of a landing zone `s3://…` and of a warehouse `delta+s3://…`.

    Credentials are those of the environment.
    """

    endpoint: str | None = Field(
        default=None, description="Address of the object store; none: AWS_ENDPOINT_URL, else that of Amazon"
    )
    region: str | None = Field(default=None, description="Region of the object store; none: AWS_REGION")
    allow_http: bool = Field(
        default=False, description="Whether the object store's address may be one without encryption"
    )
    copies_gigabytes: float = Field(
        default=2,
        gt=0,
        description="Room for copies of landed responses in `data`, for each process; what is in use may exceed it",
    )


class DeltaSettings(Settings):
    """A warehouse that is a Delta lake, `delta://…` or `delta+s3://…`."""

    shards: int = Field(
        default=1, ge=1, le=4096, description="Parts of a new lake's accounts that are written side by side"
    )


class ReportSettings(Settings):
    """The look of reports, where the options of the command say nothing else."""

    title: str = Field(default="", max_length=200, description="Title of the page")
    logo: str | None = Field(
        default=None, min_length=1, description="PNG, JPEG, GIF, WebP or SVG file, relative to this file's folder"
    )
    theme: str = Field(
        default="auto",
        min_length=1,
        description="auto, light, dark, print, or a YAML file of colours, relative to this file's folder",
    )


LOCAL = "local"
"""The executor that is the process itself."""

_CLUSTER_SCHEMES = {"dask": "tcp", "dask+tls": "tls"}
_CLUSTER = re.compile(r"(dask|dask\+tls)://(([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})/?")


def _validate_executor(executor: str) -> str:
    if executor != LOCAL and cluster_address(executor) is None:
        raise ValueError(
            f"an executor is {LOCAL}, or the scheduler of a cluster: dask://host:8786, dask+tls://host:8786"
        )
    return executor


def cluster_address(executor: str) -> str | None:
    """Return the address of a cluster's scheduler as Dask writes it; None for an executor that names none.

    >>> cluster_address("dask://scheduler:8786")
    'tcp://scheduler:8786'
    """
    parts = _CLUSTER.fullmatch(executor)
    return f"{_CLUSTER_SCHEMES[parts[1]]}://{parts[2]}" if parts else None


def _validate_owner(owner: str) -> str:
    if not re.fullmatch(r"team:[A-Za-z0-9_.-]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", owner):
        raise ValueError("an owner is a mail address, or a team as in team:data")
    return owner


class OperatingSettings(Settings):
    """The keys of the configuration file about operation, except ``schedule``."""

    catch_up_days: int = Field(
        default=CATCH_UP_DAYS,
        ge=0,
        le=400,
        description="Days back from yesterday of which a daily load also takes the missing, failed and stale ones",
    )
    lock_wait_seconds: float = Field(
        default=3600,
        ge=0,
        description="The longest a run waits for another one that fetches the same account or writes the warehouse",
    )
    locks: SecretAddress | None = Field(
        default=None,
        description="PostgreSQL database whose advisory locks several machines share, its password as ${VARIABLE}; "
        "none: that of Dagster's state for a place in an object store, else files of this machine",
    )
    executor: Annotated[str, AfterValidator(_validate_executor)] = Field(
        default=LOCAL,
        description="Where loads run: `local`, this process; `dask://host:8786`, the workers of that Dask scheduler",
    )
    alerts: Alerts = Field(default=Alerts(), description="Receiver of messages about failed loads")
    volume_check: VolumeCheck = Field(
        default=VolumeCheck(), description="Warnings about days that are far from what their weekday usually is"
    )
    network: NetworkSettings = Field(default=NetworkSettings(), description="Proxy and certificate authorities")
    retention: Retention = Field(default=Retention(), description="Data that maintenance deletes")
    object_store: ObjectStoreSettings = Field(
        default=ObjectStoreSettings(), description="Way to the object store of the landing zone and of a Delta lake"
    )
    delta: DeltaSettings = Field(default=DeltaSettings(), description="Shards of a Delta lake")
    report: ReportSettings = Field(default=ReportSettings(), description="Title, logo and colours of reports")
    owners: tuple[Annotated[str, AfterValidator(_validate_owner)], ...] = Field(
        default=(), description="Owners of all assets in Dagster: `team:data`, or a mail address"
    )

    @field_validator("locks")
    @classmethod
    def _validate_locks(cls, locks: SecretAddress | None) -> SecretAddress | None:
        # an empty one stands for variables that are not set, and need not be for readers
        if locks is not None and locks.get_secret_value() and not _is_postgres_url(locks.get_secret_value()):
            raise ValueError("a database of locks is an address as in postgresql://user:${VARIABLE}@host/database")
        return locks
