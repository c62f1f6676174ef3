"""Landed batches as they are read: their names, manifests and bodies, and the choice of the newest for each day.

Batches are not written here, and the meaning of a response is not known. Layout: ``extractors.landing.zone``.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard

from extractors.errors import ErrorLocation
from extractors.windows import Window

log = logging.getLogger("chatmart.landing")

_STAMP = "%Y%m%dT%H%M%S%fZ"
_MANIFEST = re.compile(r"(\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d)\.(?:(\d{9,})\.)?(\d{8}T\d{12}Z)\.([0-9a-f]{16})\.json")
_PIECE_BYTES = 2**20


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


@dataclass(frozen=True)
class BatchPart:
    """One response inside a batch: its request, the context that its transform needs, and the place of its body.

    ``fetched_at`` is in UTC. ``offset`` and ``bytes`` locate the body in the unpacked file.
    """

    request: dict[str, Any]
    context: dict[str, Any]
    status: int
    headers: dict[str, str]
    fetched_at: datetime
    offset: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Batch:
    """A landed batch. Listing reads names only; the manifest is read when it is first needed.

    ``number`` counts the arrivals of its account, over all streams, from 1: the order of arrival, whatever the clock
    said. It is 0 for a batch landed by a release that did not number them: older than any numbered one.
    """

    folder: Path
    provider: str
    account: str
    stream: str
    window: Window
    fetched_at: datetime
    content_hash: str
    number: int = 0

    @property
    def batch_id(self) -> str:
        """The id of the arrival, unique in a landing zone."""
        return f"{self.provider}/{self.account}/{self.stream}/{self._arrival_name}"

    @property
    def path(self) -> Path:
        """The compressed bodies (zstandard)."""
        return self.folder / f"{self.window}.{self.content_hash}.zst"

    @property
    def manifest_path(self) -> Path:
        """The manifest of this arrival."""
        return self.folder / f"{self._arrival_name}.json"

    @property
    def _arrival_name(self) -> str:
        stamp = self.fetched_at.astimezone(UTC).strftime(_STAMP)
        return f"{self.window}.{f'{self.number:09}.' if self.number else ''}{stamp}.{self.content_hash}"

    @property
    def arrival(self) -> tuple[int, datetime, str]:
        """The place in the order of arrival: the number, then ``fetched_at`` (UTC) for batches without a number."""
        return self.number, self.fetched_at, self.content_hash

    @classmethod
    def from_manifest_path(cls, manifest: Path, provider: str, account: str, stream: str) -> "Batch | None":
        """Return the batch whose manifest has this path; None for any other file name."""
        name = _MANIFEST.fullmatch(manifest.name)
        if name is None:
            return None
        window, number, stamp, content_hash = name.groups()
        fetched_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        days = Window.parse(window)
        return cls(manifest.parent, provider, account, stream, days, fetched_at, content_hash, int(number or 0))

    @property
    def where(self) -> ErrorLocation:
        """The names of account and stream for errors."""
        return ErrorLocation(self.provider, self.account, self.stream, self.batch_id)

    @property
    def is_rejected(self) -> bool:
        """Whether a transform has refused its responses. A replay still uses it; a run fetches its window anew."""
        return self.rejection_path.exists()

    def reject(self) -> None:
        """Mark the batch: a transform refuses its responses."""
        self.rejection_path.touch(mode=0o600)

    @property
    def rejection_path(self) -> Path:
        """The marker file of a rejected batch; it need not exist."""
        return self.manifest_path.with_suffix(".rejected")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest as written. Raises ValueError when it is no JSON, OSError when it cannot be read."""
        manifest: dict[str, Any] = json.loads(self.manifest_path.read_bytes())
        return manifest

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

    @cached_property
    def parts(self) -> tuple[BatchPart, ...]:
        """The responses, in the order in which they came."""
        return tuple(_parse_part(part) for part in self.manifest["parts"])

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield all bodies piece by piece, for a body too large for memory. Raises ValueError at the end if damaged."""
        digest = hashlib.sha256()
        with self._open_unpacked() as read:
            while piece := read(_PIECE_BYTES):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != self.manifest["sha256"]:
            raise ValueError(f"{self.path} is damaged: it differs from its manifest")

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Yield each response with its verbatim body. Raises ValueError when the file differs from the manifest."""
        with self._open_unpacked() as read:
            for part in self.parts:
                body = _read_exactly(read, part.bytes)
                if hashlib.sha256(body).hexdigest() != part.sha256:
                    raise ValueError(f"{self.path} is damaged: an answer differs from its manifest")
                yield part, body

    @contextmanager
    def _open_unpacked(self) -> Iterator[Callable[[int], bytes]]:
        with self.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:

            def read(size: int) -> bytes:
                try:
                    return reader.read(size)
                except zstandard.ZstdError as error:
                    raise ValueError(f"{self.path} is damaged: {error}") from error

            yield read


def list_batches(folder: Path, provider: str, account: str, stream: str, within: Window | None = None) -> list[Batch]:
    """Return the batches of a stream's folder in order of arrival; with ``within`` only those that touch its days."""
    names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(".json")] if folder.is_dir() else []
    if within is not None:  # a name begins with its window's first day and end, which compare as texts
        first, end = within.start.isoformat(), within.end.isoformat()
        names = [name for name in names if name[:10] < end and name[11:21] > first]
    batches = (Batch.from_manifest_path(folder / name, provider, account, stream) for name in names)
    return sorted((batch for batch in batches if batch), key=lambda batch: batch.arrival)


def read_last_number(folder: Path) -> int:
    """Return the highest arrival number in a stream's folder; 0 when no batch has one. Only names are read."""
    names = (_MANIFEST.fullmatch(entry.name) for entry in os.scandir(folder)) if folder.is_dir() else ()
    return max((int(name[2] or 0) for name in names if name), default=0)


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
        log.warning("%s: %s cannot be read and does not count: %s", batch.where, batch.manifest_path, error)
        return False


def _read_exactly(read: Callable[[int], bytes], size: int) -> bytes:
    pieces: list[bytes] = []
    while size:
        piece = read(size)
        if not piece:
            raise ValueError("a landed file ends before its manifest says")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _parse_part(part: dict[str, Any]) -> BatchPart:
    fetched_at = datetime.fromisoformat(part["fetched_at"])
    named = {name: value for name, value in part.items() if name not in ("asked", "fetched_at")}
    return BatchPart(request=part["asked"], fetched_at=fetched_at, **named)
