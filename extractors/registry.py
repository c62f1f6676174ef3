"""The registry of providers, and the declaration that each provider makes. A sixth provider is one line here.

``extractors.<provider>.provider`` exports ``PROVIDER: Provider``. Its module is imported by name when it is first
needed; nothing else of a provider may be imported here.

>>> from datetime import date
>>> from extractors.windows import Window
>>> cognigy = get_provider("cognigy")
>>> sorted(cognigy.streams)
['call_counter', 'conversation_counter', 'knowledge_query_counter']
>>> account = cognigy.account(name="acme", project_id="5f0c2f4e8a1b2c3d4e5f6a7b", api_key="secret")
>>> windows = cognigy.streams["call_counter"].windows(account, Window(date(2025, 1, 30), date(2025, 2, 2)))
>>> [str(window) for window in windows]
['2025-01-30_2025-02-01', '2025-02-01_2025-02-02']
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from extractors.account import A, A_contra
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.windows import Window

__all__ = ["PROVIDERS", "Provider", "Stream", "get_provider"]

PROVIDERS = (
    "cognigy",
    "chatdash",
    "chatlayer",
    "chatcaptain",
    "inkeep",
)


@dataclass(frozen=True)
class Stream(Generic[A_contra]):
    """One endpoint's data of a provider.

    ``windows`` cuts a range of local days (of the account's zone) into the widest windows that one batch of the stream
    may cover, oldest first. ``fetch`` requests one such window, adds every response to the writer in a deterministic
    order, and returns remarks for the manifest (reported totals, counts, omissions) or None. It raises the errors of
    ``extractors.errors``.
    """

    windows: Callable[[A_contra, Window], list[Window]]
    fetch: Callable[[Session[A_contra], Window, BatchWriter], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Provider(Generic[A]):
    """The declaration of a provider: all that the rest of the program knows of its API.

    ``probe`` sends the smallest request that shows whether an account's credential and ids are accepted, for a window
    of one recent day, and lands nothing. It returns None when every enabled stream could only be requested with a
    lasting effect at the provider.
    """

    name: str
    account: type[A]
    limits: RequestLimits
    streams: Mapping[str, Stream[A]]
    probe: Callable[[Session[A], Window], Awaitable[Response | None]]


def get_provider(name: str) -> Provider[Any]:
    """Return the provider of that name; raises KeyError for a name that is not in ``PROVIDERS``.

    >>> get_provider("inkeep").account.__name__
    'InkeepAccount'
    """
    if name not in PROVIDERS:
        raise KeyError(name)
    provider: Provider[Any] = importlib.import_module(f"extractors.{name}.provider").PROVIDER
    return provider
