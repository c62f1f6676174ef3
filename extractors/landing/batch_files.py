"""Batches as earlier releases landed them: two files each. They are read, pruned and loaded; none is written.

``account=A/stream=S/`` holds ``<window>.<content hash>.zst``, the bodies of a batch's responses one after the other,
and one manifest per arrival, ``<window>.<number>.<fetched at>.<content hash>.json``. The first releases had no number.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from extractors.landing.batch import STAMP, Batch, BatchPart
from extractors.landing.landed_files import list_landed, open_landed
from extractors.windows import Window

log = logging.getLogger("chatmart.landing")

_MANIFEST = re.compile(r"(\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d)\.(?:(\d{9,})\.)?(\d{8}T\d{12}Z)\.([0-9a-f]{16})\.json")
_PIECE_BYTES = 2**20
_REQUIRED = {"complete", "external_id", "zone", "landed_at", "sha256", "parts"}


@dataclass(frozen=True)
class BatchFiles:
    """The two files of a batch: its compressed bodies (zstandard), which arrivals may share, and its manifest.

    A body from which a person was removed is another file, which the manifest names under ``erased``.
    """

    landed_body_path: Path
    manifest_path: Path

    @property
    def body_path(self) -> Path:
        """The file of the bodies. Raises ValueError and OSError where the manifest cannot be read."""
        try:
            erased = self.read_manifest().get("erased")
        except FileNotFoundError:  # pruned meanwhile
            return self.landed_body_path
        return self.manifest_path.with_name(erased["body_file"]) if erased else self.landed_body_path

    @property
    def rejection_path(self) -> Path:
        """The marker file of a rejected batch; it need not exist."""
        return self.manifest_path.with_suffix(".rejected")

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest as written. Raises ValueError for another file, OSError when it cannot be read."""
        manifest = json.loads(self.manifest_path.read_bytes())
        problem = _find_problem(manifest, self.manifest_path.name)
        if problem:
            raise ValueError(f"{self.manifest_path} is no manifest of a batch: {problem}")
        return dict(manifest)

    def list_parts(self) -> list[BatchPart]:
        """Return the responses, in the order in which they came."""
        return [_parse_part(part) for part in self.read_manifest()["parts"]]

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield all bodies piece by piece. Raises ValueError at the end if they are damaged."""
        digest = hashlib.sha256()
        with open_unpacked(self.body_path) as read:
            while piece := read(_PIECE_BYTES):
                digest.update(piece)
                yield piece
        manifest = self.read_manifest()
        if digest.hexdigest() != manifest.get("erased", manifest)["sha256"]:
            raise ValueError(f"{self.body_path} is damaged: it differs from its manifest")

    def iter_bodies(self) -> Iterator[tuple[BatchPart, bytes]]:
        """Yield each response with its verbatim body. Raises ValueError when the file differs from the manifest."""
        with open_unpacked(self.body_path) as read:
            for part in self.list_parts():
                body = _read_exactly(read, part.bytes)
                if hashlib.sha256(body).hexdigest() != part.sha256:
                    raise ValueError(f"{self.body_path} is damaged: an answer differs from its manifest")
                yield part, body
            if read(1):
                raise ValueError(f"{self.body_path} is damaged: it has more than the answers of its manifest")


def _find_problem(manifest: Any, name: str) -> str | None:
    """Return why a document is not the manifest of this name; None when it is."""
    if not isinstance(manifest, dict) or not manifest.keys() >= _REQUIRED or not isinstance(manifest["parts"], list):
        return "it has not the keys of one"
    if "window" in manifest and manifest["window"] != name[:21].split("_"):
        return "its name bears other days"
    if not str(manifest["sha256"]).startswith(name[-21:-5]):
        return "its name bears another hash"
    try:
        datetime.fromisoformat(manifest["landed_at"])
        length = sum(part["bytes"] for part in manifest["parts"])
        present_length = manifest.get("erased", manifest).get("bytes", length)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        return f"{type(error).__name__} at one of its values"
    return "it lacks answers" if present_length != length else None


@contextmanager
def open_unpacked(path: Path) -> Iterator[Callable[[int], bytes]]:
    """Open a zstandard file; the function reads so many bytes of it, or fewer. Raises ValueError for damage."""
    with open_landed(path) as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:

        def read(size: int) -> bytes:
            try:
                return reader.read(size)
            except zstandard.ZstdError as error:
                raise ValueError(f"{path} is damaged: {error}") from error

        yield read


def list_file_batches(
    folder: Path, provider: str, account: str, stream: str, within: Window | None = None
) -> list[Batch]:
    """Return the batches in a stream's folder in order of arrival; with ``within`` only those that touch its days."""
    names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(".json")] if folder.is_dir() else []
    if within is not None:  # a name begins with its window's first day and end, which compare as texts
        first, end = within.start.isoformat(), within.end.isoformat()
        names = [name for name in names if name[:10] < end and name[11:21] > first]
    batches = (_parse_name(folder, name, provider, account, stream) for name in names)
    return sorted((batch for batch in batches if batch), key=lambda batch: batch.arrival)


def read_last_file_number(folder: Path) -> int:
    """Return the highest arrival number in a stream's folder; 0 when no batch has one. Only names are read."""
    names = (_MANIFEST.fullmatch(entry.name) for entry in os.scandir(folder)) if folder.is_dir() else ()
    return max((int(name[2] or 0) for name in names if name), default=0)


def list_unreferenced_bodies(folder: Path) -> list[Path]:
    """Return the bodies in a stream's folder whose last manifest is gone."""
    names = (_MANIFEST.fullmatch(entry.name) for entry in os.scandir(folder))
    referenced = {(name[1], name[4]) for name in names if name}
    # the name of a body from which a person was removed goes on with another hash
    return [body for body in list_landed(folder, ".zst") if tuple(body.name.split(".")[:2]) not in referenced]


def _parse_name(folder: Path, file_name: str, provider: str, account: str, stream: str) -> Batch | None:
    """Return the batch whose manifest has this name; None for any other file name."""
    name = _MANIFEST.fullmatch(file_name)
    if name is None:
        return None
    days, number, stamp, content_hash = name.groups()
    try:
        window = Window.parse(days)
        fetched_at = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        log.warning("%s is no manifest of a batch and does not count: %s", folder / file_name, error)
        return None
    files = BatchFiles(folder / f"{window}.{content_hash}.zst", folder / file_name)
    return Batch(provider, account, stream, window, fetched_at, content_hash, int(number or 0), files)


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
    named = {name: value for name, value in part.items() if name not in ("asked", "fetched_at", "offset")}
    return BatchPart(request=part["asked"], fetched_at=fetched_at, **named)
