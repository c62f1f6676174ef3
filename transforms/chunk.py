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
from extractors.errors import ShapeError, Where
from extractors.landing.batch import Batch
from extractors.windows import Window, local_day
from transforms.reading import Node, parse


@dataclass(frozen=True)
class Claim:
    """A batch and the days of the chunk for which it is the one that counts."""

    batch: Batch
    days: frozenset[date]


@dataclass(frozen=True)
class Landed:
    """One landed answer with the days it speaks for."""

    batch: Batch
    days: frozenset[date]
    asked: Mapping[str, Any]
    context: Mapping[str, Any]
    body: bytes
    where: Where

    @cached_property
    def root(self) -> Node:
        """The body as JSON."""
        return parse(self.body, self.where)

    @property
    def window(self) -> Window:
        """The window of local days that the batch asked for."""
        return self.batch.window

    def only_day(self) -> date | None:
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
    claims: Mapping[str, tuple[Claim, ...]]
    scratch: Path

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days these are."""
        return self.account.zone

    def pulled(self, stream: str) -> bool:
        """Whether the account pulls a stream at all: what is not pulled is NULL, not zero."""
        return stream in self.account.pulled

    def day_of(self, instant: Any) -> date:
        """The local day of an aware instant."""
        return local_day(instant, self.zone)

    def where(self, stream: str) -> Where:
        """Names account and stream in errors."""
        return Where(self.account.provider, self.account.name, stream)

    def answers(self, stream: str) -> Iterator[Landed]:
        """Every answer of a stream's batches, in order; only ``days`` of each may be used.

        Raises ShapeError when a landed file is damaged.
        """
        for claim in self.claims.get(stream, ()):
            try:
                for part, body in claim.batch.bodies():
                    yield Landed(claim.batch, claim.days, part.asked, part.context, body, claim.batch.where)
            except (ValueError, OSError) as error:
                raise ShapeError(claim.batch.where, str(claim.batch.window), f"cannot be read back: {error}") from error
