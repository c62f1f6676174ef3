"""The declaration of a vendor: everything that the simulator must know of it, in one dataclass.

Types only, no vendor. The declarations are in `sandbox/<provider>/__init__.py`, their names in `sandbox/vendors.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Generic

from starlette.routing import Route

from sandbox.common_shapes import S

if TYPE_CHECKING:  # these modules are imported by the vendors' packages
    from sandbox.account import SandboxAccount
    from sandbox.conversations import Conversation
    from sandbox.http import ApiContext
    from sandbox.truth_rules import Rule


@dataclass(frozen=True)
class Secret:
    """One secret of an account.

    `key` is its configuration key, `variable_suffix` ends the name of its environment variable, and `fake_value` is
    its invented value, in which `{name}` is the account's name.
    """

    key: str
    variable_suffix: str
    fake_value: str


API_KEY = Secret("api_key", "KEY", "fake-key-{name}-not-real")


@dataclass(frozen=True)
class SandboxChannel:
    """One channel of an account. `listed=False`: its type has traffic, but the vendor's channel list omits it."""

    id: str
    name: str
    type: str
    listed: bool = True


@dataclass(frozen=True)
class SampleAccount:
    """One account of the sample world: its name, its IANA time zone and its ids by configuration key."""

    name: str
    timezone: str
    ids: Mapping[str, str] = field(default_factory=dict)


def build_no_routes(_context: "ApiContext[Any]") -> list[Route]:
    """Return no endpoints."""
    return []


def build_no_configuration(_host: str) -> dict[str, Any]:
    """Return no further configuration keys."""
    return {}


@dataclass(frozen=True)
class Vendor(Generic[S]):
    """One simulated provider.

    Attributes:
        name: as in the configuration.
        root: the path that an account's `base_url` has after the origin.
        routes: builds the endpoints below `root`.
        shapes: the dataclass of the forms that the vendor's reference leaves open. Its field names are unique among
            all vendors, because tests set them on one flat object (`sandbox.shapes.ResponseShapes`).
        populate: fills in the values of a new conversation. It may only draw from the given random source.
        truth: the rule of each business view that the vendor's data reaches, by view name.
        default_streams: the streams that an account pulls unless it names its own, without the provider's prefix.
        default_ids: the ids of an account that brings none, from its name, by configuration key.
        external_id_key: which of the ids is in the vendor's paths; None when the credential alone names the account.
        secrets: what a credential consists of. Several are joined by `:` in `SandboxAccount.credential`.
        sample_accounts: the vendor's accounts in the sample world; in the demo too, where no company of it has any.
        channels: the channels of an account that brings none.
        permissions: the permissions of an account that brings none.
        download_routes: builds the endpoints of the download origin.
        extra_configuration: further configuration keys of every account, from the host of the download origin.
    """

    name: str
    root: str
    routes: "Callable[[ApiContext[S]], list[Route]]"
    shapes: type[S]
    populate: "Callable[[Random, SandboxAccount, Conversation], None]"
    truth: "Mapping[str, Rule[S]]"
    default_streams: tuple[str, ...]
    default_ids: Callable[[str], Mapping[str, str]]
    external_id_key: str | None
    secrets: tuple[Secret, ...] = (API_KEY,)
    sample_accounts: tuple[SampleAccount, ...] = ()
    channels: tuple[SandboxChannel, ...] = ()
    permissions: frozenset[str] = frozenset()
    download_routes: "Callable[[ApiContext[S]], list[Route]]" = build_no_routes
    extra_configuration: Callable[[str], Mapping[str, Any]] = build_no_configuration
