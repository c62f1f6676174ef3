"""The landing log of one account while a run writes it. Layout: ``extractors.landing.segments``.

Only one process writes the log of an account at a time: the holder of its fetch lock. It appends to the open segment,
line by line, and seals it at the end. An open segment that it finds is that of a killed run: it goes on with it, and
gives out again what that run was answered (``recall``). The meaning of an answer is not known here.
"""

import errno
import hashlib
import json
import logging
import os
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from extractors.http.messages import Request, Response
from extractors.instants import age_at
from extractors.landing.batch import BatchKey
from extractors.landing.files import make_private_folder, sync_folder
from extractors.landing.index import LandingIndex
from extractors.landing.landed_files import remove_landed
from extractors.landing.lines import (
    build_answer_fields,
    build_inline_body,
    describe_request,
    describe_window,
    encode_line,
    parse_response,
)
from extractors.landing.segments import (
    Place,
    list_replaced_segments,
    list_segments,
    open_segment_path,
    read_place,
    scan_open,
    scan_sealed,
    write_sealed,
)
from extractors.windows import Window

log = logging.getLogger("chatmart.landing")

RECALLED_FOR = timedelta(hours=1)
"""The age up to which a killed run's answers are used. Pages of one list must not be hours apart."""

SEGMENT_BYTES = 2**24
"""The length at which a segment is sealed although its run goes on: what it takes on disk, unpacked, stays small."""


class AccountLog:
    """The open segment of an account, and what is known of a killed run's. ``last_number`` is the newest arrival."""

    def __init__(self, root: Path, folder: Path, last_number: int) -> None:
        self.root = root
        self.folder = folder
        self.last_number = last_number
        self.batch_lines: list[dict[str, Any]] = []
        self._index = LandingIndex(folder)
        self._file: BinaryIO | None = None
        self._stem = ""
        self._is_name_synced = False
        self._length = 0
        self._digest = hashlib.sha256()
        self._lock = threading.RLock()  # the loader's thread syncs, or seals, while answers are written
        self._unfinished: set[tuple[str, Window]] = set()
        self._recallable: dict[str, deque[Place]] = defaultdict(deque)
        self._ended_before: set[tuple[str, ...]] = set()
        self._adopt()

    def _adopt(self) -> None:
        """Go on with the open segment of a killed run: cut off a line that it could not finish, and learn the rest."""
        for path in list_replaced_segments(self.folder):
            remove_landed(path)
        segments = list_segments(self.folder)
        number = max((segment.last for segment in segments), default=0)
        self._stem = f"{number + 1:06}"
        lines: list[tuple[Place, dict[str, Any]]] = []
        if segments and not segments[-1].is_sealed:
            path, self._stem = segments.pop().path, f"{number:06}"
            text, lines = scan_open(path, self._stem)
            self._length = len(text)
            self._digest.update(text)
            self._open_file()
        self.batch_lines = [fields for _, fields in lines if fields["kind"] == "batch"]
        numbers = [fields["number"] for fields in self.batch_lines]
        self.last_number = max([self.last_number, *numbers])
        while segments and not self._index.has_ended(segments[-1].stem):  # sealed by size while its run went on
            segment = segments.pop()
            lines = scan_sealed(segment.path, segment.stem)[1] + lines
        for place, fields in lines:
            self._learn(place, fields)

    def _learn(self, place: Place, fields: dict[str, Any]) -> None:
        match fields["kind"]:
            case "answer" if "body_file" not in fields:
                self._recallable[_request_key(fields)].append(place)
            case "batch" | "abandoned":
                self._ended_before.add((fields["stream"], *fields["window"]))

    def _open_file(self) -> BinaryIO:
        make_private_folder(self.root, self.folder)
        path = open_segment_path(self.folder, self._stem)
        self._is_name_synced = False
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        file.truncate(self._length)
        file.seek(self._length)
        self._file = file
        return file

    def append(self, fields: dict[str, Any]) -> Place:
        """Append a line; it survives the end of this process when the method returns. Raises OSError."""
        line = encode_line(fields)
        with self._lock:
            file = self._file or self._open_file()
            place = Place(self._stem, self._length, len(line))
            written = 0
            try:
                written = file.write(line)
            finally:
                if written != len(line):  # a full disk: no half line may stay in the middle
                    file.truncate(self._length)
                    file.seek(self._length)
            if written != len(line):
                path = open_segment_path(self.folder, self._stem)
                raise OSError(errno.ENOSPC, "the disk took only a part of an answer", str(path))
            self._digest.update(line)
            self._length += len(line)
        return place

    def append_answer(self, key: BatchKey, stream: str, response: Response) -> Place:
        """Append an answer with its body."""
        return self.append(build_answer_fields(key, stream, response, build_inline_body(response.body)))

    def begin_batch(self, key: BatchKey) -> None:
        """Note that the answers of a batch are being fetched."""
        self._unfinished.add((key.stream, key.window))

    def append_batch(self, key: BatchKey, fields: dict[str, Any]) -> dict[str, Any]:
        """Append the line of a batch under the next number, and seal a segment that has become long. Return the line.

        All answers that the batch names are readable before.
        """
        with self._lock:
            line = {"kind": "batch", "number": self.last_number + 1, **fields}
            self.append(line)
            self.last_number += 1
            self.batch_lines.append(line)
            self._unfinished.discard((key.stream, key.window))
            if self._length >= SEGMENT_BYTES:
                self.seal(ended=False)
        return line

    def abandon_batch(self, key: BatchKey) -> None:
        """Note that a batch failed: its answers are not given out again."""
        self._unfinished.discard((key.stream, key.window))
        if self._file is not None:  # else nothing of it was written
            self.append({"kind": "abandoned", "stream": key.stream, "window": describe_window(key.window)})

    def forget_answers(self) -> None:
        """Give out no answer of a killed run."""
        self._recallable.clear()

    def recall(self, key: BatchKey, stream: str, request: Request, now: datetime) -> Response | None:
        """Return a killed run's answer to a request of a batch that it had not finished; every answer once.

        It must be of the same id and zone, not older than ``RECALLED_FOR``, and from after the end of the window.
        """
        if not self._recallable or (key.stream, *describe_window(key.window)) in self._ended_before:
            return None
        identity = {
            "stream": stream,
            "external_id": key.external_id,
            "zone": key.zone,
            "asked": describe_request(request),
        }
        places = self._recallable.get(_request_key(identity))
        while places:
            place = places.popleft()
            try:
                response = parse_response(read_place(self.folder, place, self._index.read_frames))
            except (ValueError, OSError) as error:
                log.warning("%s: an answer of a killed run cannot be read and is asked for again: %s", key.where, error)
                continue
            age = age_at(response.fetched_at, now)
            if age is None or age > RECALLED_FOR or response.fetched_at < key.window_end:
                continue
            response.place = place
            return response
        return None

    def sync(self) -> None:
        """Write all lines to disk, so that they survive a power cut. Raises OSError."""
        with self._lock:
            if self._file is not None:
                os.fdatasync(self._file.fileno())
                if not self._is_name_synced:
                    sync_folder(self.folder)
                self._is_name_synced = True

    def seal(self, *, ended: bool | None = None) -> None:
        """Pack the open segment into a sealed one and go on with a new one; nothing happens without a line.

        ``ended`` says whether its run ends here with nothing under way (default: what this log knows). Raises OSError
        when a segment does not read back as it was written; the open one stays then.
        """
        with self._lock:
            if self._file is None:
                return
            has_ended = not self._unfinished if ended is None else ended
            self.append({"kind": "sealed", "ended": has_ended})
            path = open_segment_path(self.folder, self._stem)
            file, frames = write_sealed(self.folder, self._stem, self._iter_checked_lines(path))
            self._index.add_segment(file, frames, self.batch_lines, ended=has_ended)
            self._file.close()
            path.unlink()
            self._file, self._stem, self._length = None, f"{file.last + 1:06}", 0
            self._digest = hashlib.sha256()
            self.batch_lines = []

    def _iter_checked_lines(self, path: Path) -> Iterator[bytes]:
        read_back = hashlib.sha256()
        with path.open("rb") as file:
            for line in file:
                read_back.update(line)
                yield line
        if read_back.digest() != self._digest.digest():
            raise OSError(f"{path} does not read back as it was written; check the disk")

    def close(self) -> None:
        """Close the open segment without sealing it; the next run goes on with it."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _request_key(fields: dict[str, Any]) -> str:
    identity = [fields[name] for name in ("stream", "external_id", "zone", "asked")]
    return json.dumps(identity, sort_keys=True)
