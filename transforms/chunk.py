"""The input of a transform: one account, its local days, and per stream the batches that count for each of these days.

What must not come in: the choice of the batches (the loader makes it) and the meaning of a response.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.errors import ErrorLocation, UnreadableResponse
from extractors.landing.batch import Batch
from extractors.provider_message import find_reported_failure
from extractors.windows import Window, local_day
from transforms.machine_errors import is_machine_error
from transforms.reading import Node, parse_json

A = TypeVar("A", bound=Account)
"""The account type of a provider, with the settings that only this provider has."""


@dataclass(frozen=True)
class DayClaim:
    """A batch and those days of the chunk for which this batch is the one that counts."""

    batch: Batch
    days: frozenset[date]


@dataclass(frozen=True)
class LandedResponse:
    """One landed response and the local days for which it counts."""

    batch: Batch
    days: frozenset[date]
    request: Mapping[str, Any]
    context: Any  # the TypedDict of the stream, in extractors/<provider>/contexts.py
    body: bytes
    where: ErrorLocation

    @cached_property
    def root(self) -> Node:
        """The body as JSON.

        Raises ShapeError for a body that is no JSON, or that reports a failure (landed by an earlier version).
        """
        root = parse_json(self.body, self.where)
        failure = find_reported_failure(root.value)
        if failure:
            root.refuse(f"is no data; the provider says: {failure}")
        return root

    @property
    def window(self) -> Window:
        """The window of local days that the batch was requested for."""
        return self.batch.window

    def claimed_day(self) -> date | None:
        """Return the local day of a batch whose window is one day; None when another batch counts for that day.

        Raises ValueError for a longer window.
        """
        if len(self.window) != 1:
            raise ValueError(f"{self.batch.batch_id} covers more than one day")
        return self.window.start if self.window.start in self.days else None


@dataclass(frozen=True)
class Chunk(Generic[A]):
    """The local days of an account that are transformed together, and the claims of each enabled stream.

    ``scratch_folder`` is an empty folder for staged files that are too large for memory.
    """

    account: A
    days: tuple[date, ...]
    claims: Mapping[str, tuple[DayClaim, ...]]
    scratch_folder: Path

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days ``days`` are."""
        return self.account.zone

    def is_stream_enabled(self, stream: str) -> bool:
        """Return whether the account pulls a stream. The measures of a stream that is not pulled are NULL, not zero."""
        return stream in self.account.enabled_streams

    def local_day(self, instant: datetime) -> date:
        """Return the day of an aware instant in the account's zone."""
        return local_day(instant, self.zone)

    def error_location(self, stream: str) -> ErrorLocation:
        """Return the account and the stream as an error names them."""
        return ErrorLocation(self.account.provider, self.account.name, stream)

    def responses(self, stream: str) -> Iterator[LandedResponse]:
        """Yield every response in a stream's batches, in order. Use only the ``days`` of each response.

        Raises ShapeError when a landed file is damaged.
        """
        for claim in self.claims.get(stream, ()):
            try:
                for part, body in claim.batch.iter_bodies():
                    yield LandedResponse(claim.batch, claim.days, part.request, part.context, body, claim.batch.where)
            except (ValueError, OSError) as error:
                if is_machine_error(error):
                    raise
                raise UnreadableResponse(claim.batch.where, claim.batch.window, error) from error
