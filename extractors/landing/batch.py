"""Landed batches as they are read, and the choice of the newest for each day.

Batches are not written here, and the meaning of a response is not known. Where they lie: ``extractors.landing.zone``.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from extractors.errors import ErrorLocation
from extractors.landing.files import make_private_folder
from extractors.landing.landed_files import write_landed
from extractors.windows import Window

log = logging.getLogger("chatmart.landing")

STAMP = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class BatchKey:
    """The identity of a batch: one stream's responses for one account and window, in days of ``zone``.

    ``enabled_streams`` are all streams of the account at that time: a day is whole when each of them has arrived.
    ``run_started_at`` (UTC) is the start of the run that fetched the batch.
    """

    provider: str
    account: str
    stream: str
    external_id: str
    zone: str
    window: Window
    enabled_streams: tuple[str, ...] = ()
    run_started_at: datetime | None = None

    @property
    def where(self) -> ErrorLocation:
        """The names of account and stream for errors."""
        return ErrorLocation(self.provider, self.account, self.stream)

    @property
    def window_end(self) -> datetime:
        """The instant (UTC) at which the window ends in its own zone."""
        return self.window.end_instant(ZoneInfo(self.zone))


@dataclass(frozen=True)
class BatchPart:
    """One response inside a batch: its request, the context that its transform needs, and the size of its body.

    ``fetched_at`` is in UTC.
    """

    request: dict[str, Any]
    context: dict[str, Any]
    status: int
    headers: dict[str, str]
    fetched_at: datetime
    bytes: int
    sha256: str


class BatchSource(Protocol):
    """The place where a batch is kept. Every method raises ValueError for damage, OSError for what cannot be read."""

    @property
    def rejection_path(self) -> Path:
        """The marker file of a rejected batch; it need not exist."""
        ...

    @property
    def body_path(self) -> Path:
        """The zstandard file of a body that was landed in pieces. Raises ValueError when the batch has none."""
        ...

    def read_manifest(self) -> dict[str, Any]:
        """Return what is known of the batch beside its responses."""
        ...

    def list_parts(self) -> list[BatchPart]:
        """Return the responses, in the order in which they came."""
        ...

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield all bodies piece by piece. Damage is raised at the end at the latest."""
        ...

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Yield each response with its verbatim body."""
        ...


@dataclass(frozen=True)
class Batch:
    """A landed batch. Its responses are read when they are needed.

    ``number`` counts the arrivals of its account, over all streams, from 1: the order of arrival, whatever the clock
    said. It is 0 for a batch landed by a release that did not number them: older than any numbered one.
    """

    provider: str
    account: str
    stream: str
    window: Window
    fetched_at: datetime
    content_hash: str
    number: int
    source: BatchSource = field(compare=False, repr=False)

    @property
    def batch_id(self) -> str:
        """The id of the arrival, unique in a landing zone."""
        return f"{self.provider}/{self.account}/{self.stream}/{self.arrival_name}"

    @property
    def arrival_name(self) -> str:
        """The part of the id that is unique in the stream."""
        return name_arrival(self.window, self.number, self.fetched_at, self.content_hash)

    @property
    def arrival(self) -> tuple[int, datetime, str]:
        """The place in the order of arrival: the number, then ``fetched_at`` (UTC) for batches without a number."""
        return self.number, self.fetched_at, self.content_hash

    @property
    def where(self) -> ErrorLocation:
        """The names of account and stream for errors."""
        return ErrorLocation(self.provider, self.account, self.stream, self.batch_id)

    @property
    def path(self) -> Path:
        """The zstandard file of a body that was landed in pieces. Raises ValueError when the batch has none."""
        return self.source.body_path

    @property
    def is_rejected(self) -> bool:
        """Whether a transform has refused its responses, for all of its days or for some."""
        return self.source.rejection_path.exists()

    def is_rejected_on(self, day: date) -> bool:
        """Whether a transform has refused its responses for a local day.

        A replay still uses it; a run fetches its window anew.
        """
        return self.is_rejected and day in (self._read_rejected_days() or self.window.days())

    def reject(self, days: Iterable[date] = ()) -> None:
        """Mark the batch: a transform refuses its responses for these local days, by default for all of them."""
        path = self.source.rejection_path
        make_private_folder(path.parent, path.parent)
        rejected_days = {*days}
        if rejected_days and self.is_rejected:
            earlier_days = self._read_rejected_days()
            rejected_days = rejected_days | earlier_days if earlier_days else set()
        lines = "".join(f"{day}\n" for day in sorted(rejected_days))
        write_landed(path, lines.encode())

    def _read_rejected_days(self) -> set[date]:
        """Return the days in the marker; none where it counts for all of them, or is damaged."""
        try:
            return {date.fromisoformat(line) for line in self.source.rejection_path.read_text("utf-8").split()}
        except (ValueError, OSError):
            return set()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What is known beside the responses. Raises ValueError when it is damaged, OSError when it cannot be read."""
        return self.source.read_manifest()

    @property
    def landed_at(self) -> datetime:
        """The instant (UTC) at which it was whole on disk; ``fetched_at`` is the instant at which fetching began."""
        return datetime.fromisoformat(self.manifest["landed_at"])

    @property
    def enabled_streams(self) -> tuple[str, ...]:
        """The account's enabled streams when this batch arrived; empty when the manifest does not name them."""
        return tuple(self.manifest.get("pulled", ()))

    @property
    def run_started_at(self) -> datetime | None:
        """The start (UTC) of the run that fetched it, which identifies the run; None when the manifest lacks it."""
        text = self.manifest.get("run_began")
        return datetime.fromisoformat(text) if text else None

    @property
    def is_complete(self) -> bool:
        """False for responses that were kept although the stream could not be read to its end."""
        return bool(self.manifest["complete"])

    def belongs_to(self, external_id: str, zone: str) -> bool:
        """Return whether it was fetched for this id at the provider, in days of this zone."""
        return bool(self.manifest["external_id"] == external_id and self.manifest["zone"] == zone)

    def is_whole(self) -> bool:
        """Read all bodies. Return whether they are what was landed; log it if they are not."""
        try:
            for _ in self.iter_bytes():
                pass
        except (ValueError, KeyError, OSError) as error:
            log.warning("%s: %s cannot be read and is asked for again: %s", self.where, self.batch_id, error)
            return False
        return True

    @cached_property
    def parts(self) -> tuple[BatchPart, ...]:
        """The responses, in the order in which they came."""
        return tuple(self.source.list_parts())

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield all bodies piece by piece, for a body too large for memory. Raises ValueError at the end if damaged."""
        return self.source.iter_bytes()

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Yield each response with its verbatim body. Raises ValueError when one is damaged."""
        return self.source.iter_bodies()


def name_arrival(window: Window, number: int, fetched_at: datetime, content_hash: str) -> str:
    """Return the part of a batch's id that is unique in its stream. ``number`` is 0 for releases without one."""
    stamp = fetched_at.astimezone(UTC).strftime(STAMP)
    return f"{window}.{f'{number:09}.' if number else ''}{stamp}.{content_hash}"


def select_newest_by_day(
    batches: Iterable[Batch], days: Iterable[date], external_id: str, zone: str
) -> dict[date, Batch]:
    """Return for each day the batch that counts: the newest that is complete and belongs to this id and zone.

    ``days`` are local days of ``zone``. A day without such a batch is absent from the result.
    """
    wanted = set(days)
    newest: dict[date, Batch] = {}
    if not wanted:
        return newest
    for batch in reversed(list(batches)):
        open_days = [day for day in batch.window.days() if day in wanted and day not in newest]
        if open_days and is_usable(batch, external_id, zone):
            newest.update(dict.fromkeys(open_days, batch))
            if len(newest) == len(wanted):
                break
    return newest


def is_usable(batch: Batch, external_id: str, zone: str) -> bool:
    """Return whether a batch is complete, belongs to this id and zone, and can be read; log it if it cannot."""
    try:
        return batch.is_complete and batch.belongs_to(external_id, zone)
    except (ValueError, KeyError, OSError) as error:  # fetched anew, as if it had never arrived
        log.warning("%s: %s cannot be read and does not count: %s", batch.where, batch.batch_id, error)
        return False
