"""The segments of a landing log: their names, and lines read from them by place. The meaning of a line is not known.

The open segment of an account is plain JSON Lines, ``000007.jsonl``, to which its run appends. A sealed one,
``000007.jsonl.zst``, is the same text in zstandard frames of whole lines; it never changes. A merged one,
``000001-000006.1.jsonl.zst``, has taken the place of six others; it wins over all that it covers.
"""

import hashlib
import logging
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from extractors.landing.files import choose_temporary_name, sync_folder
from extractors.landing.landed_files import (
    AWAY_ENDING,
    measure_landed,
    open_landed,
    read_landed,
    stat_landed,
)
from extractors.landing.lines import decode_line

log = logging.getLogger("chatmart.landing")

_NAME = re.compile(r"(\d{6,})(?:-(\d{6,})\.(\d+))?\.jsonl(?:(\.zst)(\.away)?)?")
_FRAME_BYTES = 2**18  # of text: small enough to be unpacked for one answer, large enough to pack well
_FRAME_MAGIC = bytes.fromhex("28b52ffd")
_COMPRESSION_LEVEL = 6
_READ_BYTES = 2**20


class Place(NamedTuple):
    """The place of a line: the stem of its segment's name, and its first byte and length in the unpacked text."""

    segment: str
    offset: int
    length: int


class Frame(NamedTuple):
    """A frame of a sealed segment: its place in the file, and the place of its text in the unpacked segment."""

    packed_offset: int
    packed_length: int
    offset: int
    length: int


@dataclass(frozen=True)
class SegmentFile:
    """A segment by its file's name. It covers those from ``first`` to ``last``; a merged one has a ``generation``."""

    folder: Path
    name: str
    first: int
    last: int
    generation: int
    is_sealed: bool

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name

    @property
    def stem(self) -> str:
        """The part of the name that the places in it bear."""
        return self.name.partition(".jsonl")[0]

    def measure(self) -> int:
        """Return the length of the file in bytes. Raises FileNotFoundError."""
        return measure_landed(self.path)


def describe_segment(folder: Path, name: str) -> SegmentFile | None:
    """Return the segment whose file has this name; None for any other file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    first, last, generation, is_sealed, away = match.groups()
    name = name.removesuffix(away or "")
    return SegmentFile(folder, name, int(first), int(last or first), int(generation or 0), bool(is_sealed))


def open_segment_path(folder: Path, stem: str) -> Path:
    """Return the file of a segment that is being written."""
    return folder / f"{stem}.jsonl"


def sealed_segment_path(folder: Path, stem: str) -> Path:
    """Return the file of a sealed segment."""
    return folder / f"{stem}.jsonl.zst"


def list_segments(folder: Path) -> list[SegmentFile]:
    """Return the segments of an account's folder in order, without those whose lines a sealed one holds too."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- this is done for every account, and a path costs ten times its name
    except FileNotFoundError:
        return []
    files = [file for name in names if ".jsonl" in name and (file := describe_segment(folder, name))]
    files.sort(key=lambda file: (file.first, -file.last, not file.is_sealed, -file.generation))
    kept: list[SegmentFile] = []
    for file in files:
        if not kept or file.first > kept[-1].last:
            kept.append(file)
    return kept


def list_replaced_segments(folder: Path) -> list[Path]:
    """Return the files whose lines another segment holds too: what a killed run had not removed yet."""
    current = {file.path for file in list_segments(folder)}
    paths = (path.with_name(path.name.removesuffix(AWAY_ENDING)) for path in folder.glob("*.jsonl*"))
    return [path for path in paths if _NAME.fullmatch(path.name) and path not in current]


def read_place(folder: Path, place: Place, read_frames: Callable[[str], Sequence[Frame]]) -> dict[str, Any]:
    """Return the fields of the line at a place. ``read_frames`` returns the frames of a sealed segment.

    Raises ValueError when the line is damaged, FileNotFoundError when its segment has been merged into another.
    """
    try:
        with open_segment_path(folder, place.segment).open("rb") as file:
            return decode_line(os.pread(file.fileno(), place.length, place.offset))
    except FileNotFoundError:  # sealed meanwhile
        path = sealed_segment_path(folder, place.segment)
        return decode_line(_read_sealed(path, place, read_frames(place.segment)))


def _read_sealed(path: Path, place: Place, frames: Sequence[Frame]) -> bytes:
    stat = stat_landed(path)
    number = bisect_right(frames, place.offset, key=lambda frame: frame.offset) - 1
    frame = frames[number] if number >= 0 else None
    if frame is None or place.offset + place.length > frame.offset + frame.length:
        raise ValueError(f"{path} is damaged: it ends before a line that stood in it")
    text = _unpack_frame(path, stat.st_mtime_ns, stat.st_size, frame)
    start = place.offset - frame.offset
    return text[start : start + place.length]


@lru_cache(maxsize=8)
def _unpack_frame(path: Path, _modified: int, _size: int, frame: Frame) -> bytes:
    with open_landed(path) as file:
        packed = os.pread(file.fileno(), frame.packed_length, frame.packed_offset)
    try:
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def scan_sealed(path: Path, stem: str) -> tuple[list[Frame], list[tuple[Place, dict[str, Any]]]]:
    """Return the frames of a sealed segment, and its lines with their places. Damage is logged and left out."""
    frames, lines = [], []
    for frame, text in _iter_frames(path):
        frames.append(frame)
        lines += list(iter_lines(path, stem, text, frame.offset))
    return frames, lines


def scan_open(path: Path, stem: str) -> tuple[bytes, list[tuple[Place, dict[str, Any]]]]:
    """Return the text of an open segment up to its last line end, and its lines with their places.

    What stands behind the last line end is a line in the making, or one that its run did not live to finish.
    """
    text = path.read_bytes()
    text = text[: text.rfind(b"\n") + 1]
    return text, list(iter_lines(path, stem, text, 0))


def iter_lines(path: Path, stem: str, text: bytes, offset: int) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the lines of a text that begins at ``offset`` of a segment. A damaged line is logged, not raised."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start) + 1 or len(text)
        try:
            yield Place(stem, offset + start, end - start), _decode_known_line(text[start:end])
        except ValueError as error:
            log.warning("%s: the line at byte %d cannot be read and does not count: %s", path, offset + start, error)
        start = end


def _decode_known_line(line: bytes) -> dict[str, Any]:
    fields = decode_line(line)
    if not isinstance(fields, dict) or "kind" not in fields:
        raise ValueError("it is of no kind that is known")
    return fields


def _iter_frames(path: Path) -> Iterator[tuple[Frame, bytes]]:
    packed, position, offset = memoryview(read_landed(path)), 0, 0
    while position < len(packed):
        decoder = zstandard.ZstdDecompressor().decompressobj()
        length = 0
        try:
            length = zstandard.frame_content_size(packed[position:])
            text = decoder.decompress(packed[position:])
            problem = "" if decoder.eof else "it ends in the middle of a frame"
        except zstandard.ZstdError as error:
            problem = str(error)
        if problem:
            log.warning("%s: the frame at byte %d cannot be read and does not count: %s", path, position, problem)
            position = bytes(packed).find(_FRAME_MAGIC, position + 1)
            if position < 0:
                return
            offset += max(length, 0)  # the places behind it stay what they are
            continue
        packed_length = len(packed) - position - len(decoder.unused_data)
        yield Frame(position, packed_length, offset, len(text)), text
        position += packed_length
        offset += len(text)


def sync_open_segments(folder: Path) -> None:
    """Write the segments that other processes have not sealed to disk. Raises OSError."""
    for segment in list_segments(folder):
        if not segment.is_sealed:
            with suppress(FileNotFoundError), segment.path.open("rb") as file:  # sealed meanwhile: on disk by then
                os.fsync(file.fileno())
            sync_folder(folder)


def write_sealed(folder: Path, stem: str, lines: Iterable[bytes]) -> tuple[SegmentFile, list[Frame]]:
    """Write a sealed segment of whole lines by rename, on disk when this returns. Return it and its frames.

    Raises OSError when it does not read back as it was written.
    """
    path = sealed_segment_path(folder, stem)
    temporary = path.with_name(choose_temporary_name(path.name))
    written, frames = hashlib.sha256(), []
    compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, write_checksum=True)
    packed_offset = offset = 0
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for text in _group_lines(lines):
            packed = compressor.compress(text)
            file.write(packed)
            written.update(text)
            frames.append(Frame(packed_offset, len(packed), offset, len(text)))
            packed_offset += len(packed)
            offset += len(text)
        file.flush()
        os.fsync(file.fileno())
    if _hash_unpacked(temporary) != written.digest():
        raise OSError(f"{temporary} does not read back as it was written; check the disk")
    temporary.replace(path)
    sync_folder(folder)
    segment = describe_segment(folder, path.name)
    if segment is None:
        raise ValueError(f"{path.name} is no name of a segment")
    return segment, frames


def _group_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of each frame: whole lines, together at least as long as a frame should be."""
    group, size = [], 0
    for line in lines:
        group.append(line)
        size += len(line)
        if size >= _FRAME_BYTES:
            yield b"".join(group)
            group, size = [], 0
    if group:
        yield b"".join(group)


def _hash_unpacked(path: Path) -> bytes:
    digest = hashlib.sha256()
    decoder = zstandard.ZstdDecompressor()
    with path.open("rb") as file, decoder.stream_reader(file, read_across_frames=True) as reader:
        while piece := reader.read(_READ_BYTES):
            digest.update(piece)
    return digest.digest()
