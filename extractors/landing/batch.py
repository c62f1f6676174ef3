"""Landed batches as they are read: their names, manifests and bodies, and which of them count for a day.

Nothing is written here, and nothing here knows what answers mean. Layout: ``extractors.landing.zone``.
"""

import hashlib
import json
import logging
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
_MANIFEST = re.compile(r"(\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d)\.(\d{8}T\d{12}Z)\.([0-9a-f]{16})\.json")
_PIECE = 2**20


@dataclass(frozen=True)
class BatchKey:
    """Whose batch it is: one stream's answer for one account and window, in days of ``zone``.

    ``pulled`` are all streams that the account pulled then: its days are whole when each of them has arrived.
    ``run_began`` (UTC) is when the run that asked for it began.
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
        """Names account and stream in errors."""
        return ErrorLocation(self.provider, self.account, self.stream)


@dataclass(frozen=True)
class BatchPart:
    """One answer inside a batch: what was asked, what a transform needs to place it, where its body lies."""

    asked: dict[str, Any]
    context: dict[str, Any]
    status: int
    headers: dict[str, str]
    fetched_at: datetime
    offset: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Batch:
    """A landed batch. Listing reads names only; the manifest is read when it is first needed."""

    folder: Path
    provider: str
    account: str
    stream: str
    window: Window
    fetched_at: datetime
    content_hash: str

    @property
    def batch_id(self) -> str:
        """Identifies the arrival; unique in a landing zone."""
        return (
            f"{self.provider}/{self.account}/{self.stream}/{self.window}.{_stamp(self.fetched_at)}.{self.content_hash}"
        )

    @property
    def path(self) -> Path:
        """The compressed bodies (zstandard)."""
        return self.folder / f"{self.window}.{self.content_hash}.zst"

    @property
    def manifest_path(self) -> Path:
        """The manifest of this arrival."""
        return self.folder / f"{self.window}.{_stamp(self.fetched_at)}.{self.content_hash}.json"

    @classmethod
    def from_manifest_path(cls, manifest: Path, provider: str, account: str, stream: str) -> "Batch | None":
        """The batch whose manifest has this path; None for a name that is none of ours."""
        told = _MANIFEST.fullmatch(manifest.name)
        if told is None:
            return None
        arrived = datetime.strptime(told[2], _STAMP).replace(tzinfo=UTC)
        return cls(manifest.parent, provider, account, stream, Window.parse(told[1]), arrived, told[3])

    @property
    def where(self) -> ErrorLocation:
        """Names account and stream in errors."""
        return ErrorLocation(self.provider, self.account, self.stream, self.batch_id)

    @property
    def is_rejected(self) -> bool:
        """Whether its answers were once not understood. It still counts in a replay, but is asked for anew in a run."""
        return self.rejection_path.exists()

    def reject(self) -> None:
        """Note that its answers are not understood."""
        self.rejection_path.touch(mode=0o600)

    @property
    def rejection_path(self) -> Path:
        """The note that its answers are not understood; it need not exist."""
        return self.manifest_path.with_suffix(".rejected")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was asked and answered, as written; ValueError when it cannot be read."""
        loaded: dict[str, Any] = json.loads(self.manifest_path.read_bytes())
        return loaded

    @property
    def landed_at(self) -> datetime:
        """When it was whole on disk, in UTC; ``fetched_at`` is when asking began."""
        return datetime.fromisoformat(self.manifest["landed_at"])

    @property
    def enabled_streams(self) -> tuple[str, ...]:
        """The streams that the account pulled when this one arrived; empty when the manifest does not tell."""
        return tuple(self.manifest.get("pulled", ()))

    @property
    def run_started_at(self) -> datetime | None:
        """When the run that asked for it began, in UTC, which tells it from other runs; None where it is not told."""
        told = self.manifest.get("run_began")
        return datetime.fromisoformat(told) if told else None

    @property
    def is_complete(self) -> bool:
        """False for answers that were kept although the stream could not be read to its end."""
        return bool(self.manifest["complete"])

    def belongs_to(self, external_id: str, zone: str) -> bool:
        """Whether it was fetched for this id at the provider, in days of this zone."""
        return bool(self.manifest["external_id"] == external_id and self.manifest["zone"] == zone)

    @cached_property
    def parts(self) -> tuple[BatchPart, ...]:
        """The answers, in the order in which they came."""
        return tuple(
            BatchPart(**{**part, "fetched_at": datetime.fromisoformat(part["fetched_at"])})
            for part in self.manifest["parts"]
        )

    def iter_bytes(self) -> Iterator[bytes]:
        """All bodies piece by piece, for one that memory should not hold; ValueError at the end when damaged."""
        seen = hashlib.sha256()
        with self._unpacked() as read:
            while piece := read(_PIECE):
                seen.update(piece)
                yield piece
        if seen.hexdigest() != self.manifest["sha256"]:
            raise ValueError(f"{self.path} is damaged: it differs from its manifest")

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Each answer with its verbatim body; ValueError when the file is not what the manifest says."""
        with self._unpacked() as read:
            for part in self.parts:
                body = _read_exactly(read, part.bytes)
                if hashlib.sha256(body).hexdigest() != part.sha256:
                    raise ValueError(f"{self.path} is damaged: an answer differs from its manifest")
                yield part, body

    @contextmanager
    def _unpacked(self) -> Iterator[Callable[[int], bytes]]:
        with self.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:

            def read(size: int) -> bytes:
                try:
                    return reader.read(size)
                except zstandard.ZstdError as error:
                    raise ValueError(f"{self.path} is damaged: {error}") from error

            yield read


def select_newest_by_day(
    batches: Iterable[Batch], days: Iterable[date], external_id: str, zone: str
) -> dict[date, Batch]:
    """For each day the batch that counts: the one that arrived last, is complete and belongs to this id and zone."""
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
    """Whether a batch is complete, belongs to this id and zone, and can be read; one that cannot is logged."""
    try:
        return batch.is_complete and batch.belongs_to(external_id, zone)
    except (ValueError, KeyError, OSError) as error:  # asked for anew, as if it had never arrived
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


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(_STAMP)
