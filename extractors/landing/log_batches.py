"""Batches of the landing log as they are read: a batch line, the answer lines that it names, and large bodies.

Layout: ``extractors.landing.segments``. Nothing is written here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from extractors.landing.batch import Batch, BatchPart, name_arrival
from extractors.landing.batch_files import open_unpacked
from extractors.landing.index import LandingIndex
from extractors.landing.lines import parse_inline_body, parse_part
from extractors.landing.segments import Place, read_place
from extractors.windows import Window

BODIES_NAME = "bodies"
"""The folder of the bodies that are files of their own."""

REJECTED_NAME = "rejected"
"""The folder of the markers of rejected batches."""

_PIECE_BYTES = 2**20


@dataclass(frozen=True)
class LoggedBatch:
    """The place of a batch in the landing log of an account's folder. ``line`` is its batch line."""

    folder: Path
    line: Mapping[str, Any]
    arrival_name: str

    @property
    def rejection_path(self) -> Path:
        """The marker file of a rejected batch; it need not exist."""
        return self.folder / REJECTED_NAME / f"{self.line['stream']}.{self.arrival_name}"

    @property
    def body_path(self) -> Path:
        """The zstandard file of a body that was landed in pieces. Raises ValueError when the batch has none."""
        names = self.line["body_files"]
        if len(names) != 1:
            raise ValueError(f"{self.arrival_name} has no body of its own")
        return self.folder / BODIES_NAME / str(names[0])

    def read_manifest(self) -> dict[str, Any]:
        """Return the batch line."""
        return dict(self.line)

    def list_parts(self) -> list[BatchPart]:
        """Return the responses, in the order in which they came. Raises ValueError and OSError."""
        return [parse_part(fields) for fields in self._iter_answers()]

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield all bodies piece by piece. Raises ValueError for damage, at the end at the latest, and OSError."""
        for fields in self._iter_answers():
            yield from self._iter_pieces(fields)

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Yield each response with its verbatim body. Raises ValueError for damage, and OSError."""
        for fields in self._iter_answers():
            yield parse_part(fields), b"".join(self._iter_pieces(fields))

    def _iter_pieces(self, fields: Mapping[str, Any]) -> Iterator[bytes]:
        if "body_file" not in fields:
            yield parse_inline_body(fields)
            return
        path, digest = self.folder / BODIES_NAME / fields["body_file"], hashlib.sha256()
        with open_unpacked(path) as read:
            while piece := read(_PIECE_BYTES):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != fields.get("erased", fields)["sha256"]:
            raise ValueError(f"{path} is damaged: it is not what was landed")

    def _iter_answers(self) -> Iterator[dict[str, Any]]:
        places, digest = self.line["parts"], hashlib.sha256()
        for number in range(len(places)):
            try:
                fields = self._read_place(places[number])
            except FileNotFoundError:  # segments were merged since this batch was listed
                places = self._find_moved_places()
                fields = self._read_place(places[number])
            digest.update(bytes.fromhex(fields["sha256"]))
            yield fields
        if digest.hexdigest() != self.line["sha256"]:
            raise ValueError(f"{self.arrival_name} is damaged: its answers are not those that were landed")

    def _read_place(self, place: Sequence[Any]) -> dict[str, Any]:
        return read_place(self.folder, Place(*place), LandingIndex(self.folder).read_frames)

    def _find_moved_places(self) -> list[Any]:
        """Return the places of the answers after a merge. Raises FileNotFoundError when the batch is gone."""
        window = Window.parse("_".join(self.line["window"]))
        for line in LandingIndex(self.folder).list_batch_lines(self.line["stream"], window):
            if line["number"] == self.line["number"]:
                return list(line["parts"])
        raise FileNotFoundError(f"the batch {self.arrival_name} is no longer in {self.folder}")


def build_batch(folder: Path, provider: str, account: str, line: Mapping[str, Any]) -> Batch:
    """Return the batch of a batch line. Raises ValueError and KeyError for a line of another form."""
    first, end = line["window"]
    window = Window.parse(f"{first}_{end}")
    fetched_at = datetime.fromisoformat(line["fetched_at"])
    content_hash = line["sha256"][:16]
    arrival_name = name_arrival(window, line["number"], fetched_at, content_hash)
    source = LoggedBatch(folder, line, arrival_name)
    return Batch(provider, account, line["stream"], window, fetched_at, content_hash, line["number"], source)
