"""The writer of one batch: responses are packed, verified and made visible together with their manifest.

The meaning of a response is not known here. Layout of the folder: ``extractors.landing.zone``.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import zstandard

from extractors.http.messages import Response
from extractors.instants import parse_date_header
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.files import choose_temporary_name, make_private_folder, write_private_file
from extractors.redaction import redact_json

_HASH_LENGTH = 16  # hex digits: 64 bits tell the contents of one window apart; the manifest holds the whole hash
_COMPRESSION_LEVEL = 6
_PIECE_BYTES = 2**20


@dataclass
class BatchWriter:
    """Collects the responses of one batch. Nothing is visible before ``finish``. A context manager that cleans up.

    ``root`` is the landing zone's folder, ``folder`` that of the batch's stream. ``assign_number`` returns the number
    of the account's next arrival; it is called once, by ``finish``.
    """

    root: Path
    folder: Path
    key: BatchKey
    assign_number: Callable[[], int]
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _size: int = 0
    _is_body_open: bool = False
    _data_time: datetime | None = None

    def __post_init__(self) -> None:
        self._temporary = self.folder / choose_temporary_name(str(self.key.window))
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    @property
    def is_empty(self) -> bool:
        """Whether no response has been added yet."""
        return not self._parts

    def add(self, response: Response, body: bytes | None = None) -> None:
        """Append one response; ``body`` replaces its bytes where a secret field had to be left out."""
        content = response.body if body is None else body
        self.begin_body()
        self.write(content)
        self.end_body(response)

    def begin_body(self) -> None:
        """Begin a body that is written piece by piece.

        A body that was begun and not ended is discarded. Raises ValueError when other responses stand before it.
        """
        if self._file is None:
            self._open_file()
        elif self._is_body_open:
            if self._parts:
                raise ValueError(f"{self.key.where}: only the first answer of a batch can be taken back")
            self._file.seek(0)
            self._file.truncate()
            self._hash = hashlib.sha256()
            self._size = 0
            self._start_frame(self._file)
        self._is_body_open = True
        self._part_hash = hashlib.sha256()
        self._part_offset = self._size

    def mark_empty(self) -> None:
        """Allow the batch to be finished without a response: its window holds nothing to request."""
        if self._file is None:
            self._open_file()

    def _open_file(self) -> None:
        # opened with the first response: hundreds of batches may be waiting for theirs
        make_private_folder(self.root, self.folder)
        self._file = os.fdopen(os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        self._start_frame(self._file)

    def _start_frame(self, file: BinaryIO) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).stream_writer(file, closefd=False)

    @property
    def answered_at(self) -> datetime | None:
        """The earliest instant (UTC) at which a response was made, by the providers' own clocks; None if not named."""
        dates = [parse_date_header(part["headers"]) for part in self._parts]
        return min((made_at for made_at in dates if made_at), default=None)

    def set_data_time(self, instant: datetime) -> None:
        """Date the batch at ``instant`` (aware), when the provider made the data, if that is before it was fetched."""
        self._data_time = min(instant, self._data_time or instant)

    def write(self, piece: bytes) -> None:
        """Append bytes to the body that was begun."""
        self._compressor.write(piece)
        self._hash.update(piece)
        self._part_hash.update(piece)
        self._size += len(piece)

    def end_body(self, response: Response) -> None:
        """End the body that was begun; ``response`` describes it, and its own ``body`` is ignored."""
        self._is_body_open = False
        self._parts.append(
            {
                "asked": redact_json(asdict(response.request)),
                "context": redact_json(response.context),
                "status": response.status,
                "headers": redact_json(response.headers),
                "fetched_at": response.fetched_at.isoformat(),
                "offset": self._part_offset,
                "bytes": self._size - self._part_offset,
                "sha256": self._part_hash.hexdigest(),
            }
        )

    def finish(
        self,
        fetched_at: datetime,
        *,
        landed_at: datetime | None = None,
        complete: bool = True,
        remarks: dict[str, Any] | None = None,
    ) -> Batch:
        """Verify the written bytes and make the batch visible.

        ``fetched_at`` is the instant (aware) at which fetching began, ``landed_at`` is now (default: the same).
        ``remarks`` are counts and notes for the manifest. Raises ValueError for a batch without a response or with an
        open body, and OSError when the file does not read back as it was written.
        """
        if self._file is None or self._is_body_open:
            raise ValueError(f"{self.key.where}: a batch without an answer, or with half of one")
        self._compressor.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        self._verify(self._file)
        batch = self._describe_batch(fetched_at)
        manifest = self._build_manifest(batch, landed_at or fetched_at, complete, remarks or {})
        self._temporary.replace(batch.path)
        write_private_file(batch.manifest_path, json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode())
        return batch

    def _verify(self, file: BinaryIO) -> None:
        file.seek(0)
        read_back = hashlib.sha256()
        with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as reader:
            while piece := reader.read(_PIECE_BYTES):
                read_back.update(piece)
        if read_back.digest() != self._hash.digest():
            raise OSError(f"{self._temporary} does not read back as it was written; check the disk")

    def _describe_batch(self, fetched_at: datetime) -> Batch:
        key = self.key
        data_time = min(fetched_at, self._data_time or fetched_at).astimezone(UTC)
        content_hash = self._hash.hexdigest()[:_HASH_LENGTH]
        names = (key.provider, key.account, key.stream)
        return Batch(self.folder, *names, key.window, data_time, content_hash, self.assign_number())

    def _build_manifest(
        self, batch: Batch, landed_at: datetime, complete: bool, remarks: dict[str, Any]
    ) -> dict[str, Any]:
        key = self.key
        return {
            "provider": key.provider,
            "account": key.account,
            "stream": key.stream,
            "external_id": key.external_id,
            "zone": key.zone,
            "pulled": list(key.enabled_streams),
            "run_began": key.run_started_at.isoformat() if key.run_started_at else None,
            "window": [key.window.start.isoformat(), key.window.end.isoformat()],
            "fetched_at": batch.fetched_at.isoformat(),
            "landed_at": landed_at.astimezone(UTC).isoformat(),
            "complete": complete,
            "bytes": self._size,
            "sha256": self._hash.hexdigest(),
            "facts": redact_json(remarks),
            "parts": self._parts,
        }
