"""The list of providers, and the one shape in which each presents itself. A sixth provider is one line here.

``extractors.<provider>`` exports ``PROVIDER: Provider``; ``transforms.<provider>`` exports ``TRANSFORM``. Modules are
imported by name when they are first needed.
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractors.account import Account
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.zone import BatchWriter
from extractors.windows import Window

PROVIDERS = (
    "cognigy",
    "chatdash",
    "chatlayer",
    "chatcaptain",
    "inkeep",
)


@dataclass(frozen=True)
class Stream:
    """One endpoint's data of a provider.

    ``windows`` cuts a range of local days into the widest windows that one batch of the stream may cover, oldest
    first. ``fetch`` asks for one such window, adds every answer to the writer in a deterministic order, and returns
    remarks for the manifest (totals told, counts, what was left out) or None.
    """

    windows: Callable[[Account, Window], list[Window]]
    fetch: Callable[[Session, Window, BatchWriter], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Provider:
    """All that the rest of the program knows of a provider's wire.

    ``probe`` asks the least that shows whether an account's credential and ids are accepted, about a window of one
    recent day, and lands nothing; None when the account's streams leave nothing that can be asked without a trace.
    """

    name: str
    account: type[Account]
    limits: RequestLimits
    streams: Mapping[str, Stream]
    probe: Callable[[Session, Window], Awaitable[Response | None]]


def get_provider(name: str) -> Provider:
    """The provider of that name; KeyError for a name that is not in the list."""
    if name not in PROVIDERS:
        raise KeyError(name)
    found: Provider = importlib.import_module(f"extractors.{name}.provider").PROVIDER
    return found
