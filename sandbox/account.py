"""An invented account of the sandbox: its ids, credential, time zone and traffic at one provider.

Values only: no conversation, no HTTP, and never a real credential. Every invented credential contains "fake".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from sandbox.profile import Pool, Profile
from sandbox.vendor import SandboxChannel
from sandbox.vendors import get_vendor

T = TypeVar("T")


@dataclass(frozen=True)
class SandboxAccount:
    """One account of the world. Raises ValueError for a provider that is not simulated.

    Empty `ids`, `credential`, `channels` and `permissions` are filled in from the vendor's declaration.

    Attributes:
        name: unique in the world.
        provider: one of `sandbox.vendors.VENDOR_NAMES`.
        timezone: an IANA name. Its local days are the account's days.
        ids: the provider's own ids by configuration key (`project_id`, `bot_id`, `team_id`, `version`, `chatbot_id`).
        credential: the key; for Chatlayer `token_id:token_secret`.
        start_date: the first local day with conversations.
        daily_conversations: the traffic of an average weekday.
        quiet_share: the share of local days without any conversation.
        absent_metrics: ChatDash metrics that no response contains.
        refused_metrics: ChatDash metrics whose request is refused with 400.
        permissions: ChatCaptain permissions of the key.
        channels: ChatCaptain channels.
        burst_size: the number of additional conversations at one single instant of each busy day.
        profile: rhythm and members of the account; without one, an even rhythm and awkward members.
    """

    name: str
    provider: str
    timezone: str
    ids: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    start_date: date = date(2024, 1, 1)
    daily_conversations: int = 60
    quiet_share: float = 0.06
    absent_metrics: frozenset[str] = frozenset()
    refused_metrics: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    channels: tuple[SandboxChannel, ...] = ()
    burst_size: int = 0
    profile: Profile | None = None

    def __post_init__(self) -> None:
        try:
            vendor = get_vendor(self.provider)
        except KeyError as error:
            raise ValueError(f"account {self.name}: provider {self.provider!r} is not simulated") from error
        defaults = {
            "ids": {**vendor.default_ids(self.name), **self.ids},
            "credential": self.credential or fake_credential(self.name, self.provider),
            "permissions": self.permissions or vendor.permissions,
            "channels": self.channels or vendor.channels,
        }
        for name, value in defaults.items():
            object.__setattr__(self, name, value)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the account's local days."""
        return ZoneInfo(self.timezone)

    @property
    def external_id(self) -> str:
        """The id in the provider's paths; empty for a vendor whose credential alone names the account."""
        key = get_vendor(self.provider).external_id_key
        return self.ids[key] if key else ""

    @property
    def version(self) -> str:
        """The Chatlayer version that the account reads."""
        return self.ids.get("version", "LIVE")

    def on_day(self, day: date) -> "SandboxAccount":
        """Return the account with the pools of a local day's events."""
        return self if self.profile is None else replace(self, profile=self.profile.on_day(day))

    def pool(self, name: str, default: Pool[T]) -> Pool[T]:
        """Return the members of one value: the profile's, else the given ones."""
        return default if self.profile is None else self.profile.pools.get(name, default)

    def split_credential(self) -> dict[str, str]:
        """Return the parts of the credential by the suffix of their environment variable; a missing part is empty."""
        secrets = get_vendor(self.provider).secrets
        values = self.credential.split(":", len(secrets) - 1)
        values += [""] * (len(secrets) - len(values))
        return {secret.variable_suffix: value for secret, value in zip(secrets, values, strict=True)}


def fake_credential(name: str, provider: str) -> str:
    """Return the invented credential of an account: the same for the same name. Raises KeyError as `get_vendor`."""
    return ":".join(secret.fake_value.format(name=name) for secret in get_vendor(provider).secrets)
