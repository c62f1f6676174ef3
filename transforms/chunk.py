"""What a transform is given: one account, some local days, and for each stream the batches that count for each day.

Choosing the batches is not done here, nor any reading of their meaning.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.errors import ErrorLocation, ShapeError
from extractors.landing.batch import Batch
from extractors.windows import Window, local_day
from transforms.reading import Node, parse_json


@dataclass(frozen=True)
class DayClaim:
    """A batch and the days of the chunk for which it is the one that counts."""

    batch: Batch
    days: frozenset[date]


@dataclass(frozen=True)
class LandedResponse:
    """One landed answer with the days it speaks for; ``context`` is the stream's TypedDict (``contexts``)."""

    batch: Batch
    days: frozenset[date]
    request: Mapping[str, Any]
    context: Any
    body: bytes
    where: ErrorLocation

    @cached_property
    def root(self) -> Node:
        """The body as JSON."""
        return parse_json(self.body, self.where)

    @property
    def window(self) -> Window:
        """The window of local days that the batch asked for."""
        return self.batch.window

    def claimed_day(self) -> date | None:
        """The day of a batch that asks for one day; None when another batch counts for that day."""
        if len(self.window) != 1:
            raise ValueError(f"{self.batch.batch_id} covers more than one day")
        return self.window.start if self.window.start in self.days else None


@dataclass(frozen=True)
class Chunk:
    """An account's local days to be transformed, and the claims of each pulled stream.

    ``scratch`` is an empty folder for staged files that are too large for memory.
    """

    account: Account
    days: tuple[date, ...]
    claims: Mapping[str, tuple[DayClaim, ...]]
    scratch_folder: Path

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days these are."""
        return self.account.zone

    def is_stream_enabled(self, stream: str) -> bool:
        """Whether the account pulls a stream at all: what is not pulled is NULL, not zero."""
        return stream in self.account.enabled_streams

    def local_day(self, instant: Any) -> date:
        """The local day of an aware instant."""
        return local_day(instant, self.zone)

    def error_location(self, stream: str) -> ErrorLocation:
        """Names account and stream in errors."""
        return ErrorLocation(self.account.provider, self.account.name, stream)

    def responses(self, stream: str) -> Iterator[LandedResponse]:
        """Every answer of a stream's batches, in order; only ``days`` of each may be used.

        Raises ShapeError when a landed file is damaged.
        """
        for claim in self.claims.get(stream, ()):
            try:
                for part, body in claim.batch.iter_bodies():
                    yield LandedResponse(claim.batch, claim.days, part.request, part.context, body, claim.batch.where)
            except (ValueError, OSError) as error:
                raise ShapeError(claim.batch.where, str(claim.batch.window), f"cannot be read back: {error}") from error
