"""The declaration that each provider makes of its API: its account, its limits, its streams. Nothing is sent here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from extractors.account import A, A_contra
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.windows import Window


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
