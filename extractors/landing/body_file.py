"""A body too large for a line of the landing log: a zstandard file of its own, written piece by piece."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from extractors.landing.files import choose_temporary_name, make_private_folder, sync_folder

_COMPRESSION_LEVEL = 1  # a file of a million rows is hardly smaller at 6, which costs six times as much
_HASH_LENGTH = 16  # hex digits: 64 bits tell the bodies of one window apart; the log holds the whole hash
_PIECE_BYTES = 2**20


class BodyFile:
    """A body in the making: invisible before ``finish``, removed by ``discard``. ``name`` begins the file's name."""

    def __init__(self, root: Path, folder: Path, name: str) -> None:
        make_private_folder(root, folder)
        self._folder, self._name = folder, name
        self._temporary = folder / choose_temporary_name(name)
        self._file: BinaryIO = os.fdopen(os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        self.restart()

    def restart(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).stream_writer(self._file, closefd=False)
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of the body, in hex."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        self._compressor.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def iter_pieces(self) -> Iterator[bytes]:
        """Yield what was written, piece by piece. Nothing can be written after."""
        self._compressor.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        self._file.seek(0)
        with zstandard.ZstdDecompressor().stream_reader(self._file, closefd=False) as reader:
            while piece := reader.read(_PIECE_BYTES):
                yield piece

    def finish(self) -> str:
        """Make the file visible, on disk when this returns, and return its name; the same body has the same name.

        Raises OSError when it does not read back as it was written.
        """
        self._compressor.flush(zstandard.FLUSH_FRAME)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._verify()
        path = self._folder / f"{self._name}.{self.sha256[:_HASH_LENGTH]}.zst"
        self._temporary.replace(path)
        sync_folder(self._folder)
        self._file.close()
        return path.name

    def _verify(self) -> None:
        self._file.seek(0)
        read_back = hashlib.sha256()
        with zstandard.ZstdDecompressor().stream_reader(self._file, closefd=False) as reader:
            while piece := reader.read(_PIECE_BYTES):
                read_back.update(piece)
        if read_back.digest() != self._digest.digest():
            raise OSError(f"{self._temporary} does not read back as it was written; check the disk")

    def discard(self) -> None:
        """Remove the file, unless it was finished."""
        if not self._file.closed:
            self._file.close()
            self._temporary.unlink(missing_ok=True)
