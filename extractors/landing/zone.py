"""The landing zone: every answer verbatim, content-addressed, with a manifest. Nothing here knows what answers mean.

``provider=P/account=A/stream=S/`` holds, for each batch, one zstandard file with the bodies of its answers one after
the other, ``<window>.<content hash>.zst``, and one manifest per arrival, ``<window>.<fetched at>.<content hash>.json``,
which says what was asked and where each body lies. An unchanged answer that arrives again adds a manifest only, so
the list of manifests is the history of arrivals. Files are written as ``.part``, read back, and renamed; only their
owner can read them.
"""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import zstandard

from extractors.http.messages import Response
from extractors.landing.batch import Batch, BatchKey
from extractors.redaction import redact_json
from extractors.windows import Window

_HASH_LENGTH = 16  # hex digits: 64 bits tell the contents of one window apart; the manifest holds the whole hash
_LEVEL = 6
_PIECE = 2**20


@dataclass
class BatchWriter:
    """Collects the answers of one batch; nothing is visible before ``finish``. A context manager that cleans up."""

    landing: "LandingZone"
    key: BatchKey
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _size: int = 0
    _begun: bool = False
    _as_of: datetime | None = None

    def __post_init__(self) -> None:
        self._folder = self.landing.stream_folder(self.key)
        self._temporary = self._folder / f"{self.key.window}.{os.getpid()}-{secrets.token_hex(4)}.part"
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
        """True while no answer has been added."""
        return not self._parts

    def add(self, answer: Response, body: bytes | None = None) -> None:
        """Append one answer; ``body`` replaces its bytes where a secret field had to be left out."""
        content = answer.body if body is None else body
        self.begin_body()
        self.write(content)
        self.end_body(answer)

    def begin_body(self) -> None:
        """Begin an answer that is written piece by piece.

        One that was begun and not ended is taken back; ValueError when others stand before it.
        """
        if self._file is None:
            self._open()
        elif self._begun:
            if self._parts:
                raise ValueError(f"{self.key.where}: only the first answer of a batch can be taken back")
            self._file.seek(0)
            self._file.truncate()
            self._hash = hashlib.sha256()
            self._size = 0
            self._pack(self._file)
        self._begun = True
        self._part_hash = hashlib.sha256()
        self._part_offset = self._size

    def mark_empty(self) -> None:
        """Let the batch be finished without an answer: its window holds nothing that could be asked for."""
        if self._file is None:
            self._open()

    def _open(self) -> None:  # not before there is an answer: hundreds of batches may be waiting for their first one
        self.landing.make_folder(self._folder)
        self._file = os.fdopen(os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        self._pack(self._file)

    def _pack(self, file: BinaryIO) -> None:
        self._packer = zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file, closefd=False)

    def set_data_time(self, instant: datetime) -> None:
        """The answers were made at ``instant``, before they were fetched: the batch counts as old as that."""
        self._as_of = instant

    def write(self, piece: bytes) -> None:
        """Append bytes to the answer that was begun."""
        self._packer.write(piece)
        self._hash.update(piece)
        self._part_hash.update(piece)
        self._size += len(piece)

    def end_body(self, answer: Response) -> None:
        """End the answer that was begun; ``answer`` describes it, its ``body`` is not looked at."""
        self._begun = False
        self._parts.append(
            {
                "asked": redact_json(asdict(answer.request)),
                "context": redact_json(answer.context),
                "status": answer.status,
                "headers": redact_json(answer.headers),
                "fetched_at": answer.fetched_at.isoformat(),
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
        """Verify what was written and make it visible.

        ``fetched_at`` is when asking began, ``landed_at`` is now (default: the same); ``facts`` are counts and remarks
        for the manifest.
        """
        if self._file is None or self._begun:
            raise ValueError(f"{self.key.where}: a batch without an answer, or with half of one")
        self._packer.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        self._verify(self._file)
        digest = self._hash.hexdigest()
        key = self.key
        content = digest[:_HASH_LENGTH]
        as_of = min(fetched_at, self._as_of or fetched_at)
        batch = Batch(self._folder, key.provider, key.account, key.stream, key.window, as_of.astimezone(UTC), content)
        manifest = {
            "provider": key.provider,
            "account": key.account,
            "stream": key.stream,
            "external_id": key.external_id,
            "zone": key.zone,
            "pulled": list(key.enabled_streams),
            "run_began": key.run_started_at.isoformat() if key.run_started_at else None,
            "window": [key.window.start.isoformat(), key.window.end.isoformat()],
            "fetched_at": batch.fetched_at.isoformat(),
            "landed_at": (landed_at or fetched_at).astimezone(UTC).isoformat(),
            "complete": complete,
            "bytes": self._size,
            "sha256": digest,
            "facts": redact_json(remarks or {}),
            "parts": self._parts,
        }
        self._temporary.replace(batch.path)
        write_private_file(batch.manifest_path, json.dumps(manifest, ensure_ascii=False).encode())
        return batch

    def _verify(self, file: BinaryIO) -> None:
        file.seek(0)
        seen = hashlib.sha256()
        with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as reader:
            while piece := reader.read(_PIECE):
                seen.update(piece)
        if seen.digest() != self._hash.digest():
            raise OSError(f"{self._temporary} does not read back as it was written; check the disk")


class LandingZone:
    """All batches under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stream_folder(self, key: BatchKey) -> Path:
        """Where a stream's batches lie; the names come from validated slugs, never from an answer."""
        return self._stream(key.provider, key.account, key.stream)

    def account_folder(self, provider: str, account: str) -> Path:
        """Where all streams of an account lie."""
        return self.root / f"provider={provider}" / f"account={account}"

    def _stream(self, provider: str, account: str, stream: str) -> Path:
        return self.account_folder(provider, account) / f"stream={stream}"

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the zone, and those above it in the zone, for their owner only."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        for each in (*reversed(folder.parents), folder):
            if each.is_relative_to(self.root):
                each.mkdir(mode=0o700, exist_ok=True)

    def open_writer(self, key: BatchKey) -> BatchWriter:
        """A writer for one new batch."""
        return BatchWriter(self, key)

    def list_streams(self, provider: str, account: str) -> list[str]:
        """The streams of an account of which anything was ever landed, whatever it pulls today."""
        folders = self.account_folder(provider, account).glob("stream=*")
        return sorted(each.name.removeprefix("stream=") for each in folders)

    def list_batches(self, provider: str, account: str, stream: str, within: Window | None = None) -> list[Batch]:
        """The landed batches of one stream, in order of arrival; with ``within`` only those that touch its days."""
        folder = self._stream(provider, account, stream)
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(".json")] if folder.is_dir() else []
        if within is not None:  # a name begins with its window's first day and end, which compare as texts
            first, end = within.start.isoformat(), within.end.isoformat()
            names = [name for name in names if name[:10] < end and name[11:21] > first]
        named = (Batch.from_manifest_path(folder / name, provider, account, stream) for name in names)
        return sorted((batch for batch in named if batch), key=lambda batch: (batch.fetched_at, batch.content_hash))


def write_private_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a whole file by rename, readable by its owner only; ``durable`` survives a power cut too."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
