"""The objects of a landing zone ``s3://…``, and the folder of this process for copies of them.

What must not come in: what the objects hold.
"""

import errno
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from extractors.landing.copy_folders import CopyFolder
from extractors.landing.mirror import Mirror
from extractors.landing.objects import ObjectStore, StoredObject
from warehouse.disk_failures import describe_store_error
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.object_store import open_object_store

if TYPE_CHECKING:
    from obstore.store import S3Store

_WHOLE_BYTES = 2**25
"""The length up to which a file is sent in one request. A longer one is sent in parts, from the disk."""

_NO_BUCKET = "NoSuchBucket"
_WRITER = "chatmart-write"


def open_copies(url: str, data: Path, settings: LakeSettings, most_bytes: int) -> Mirror:
    """Return the copies of the landing zone at ``url``. They are in a folder below ``data`` that no other process uses.

    Folders of processes that have ended are used again. Raises UnsupportedStore for an address without encryption
    that was not allowed, and OSError.
    """
    store = LandingObjects(open_object_store(url, settings), url)
    name = re.sub(r"[^\w.-]+", "-", url.partition("://")[2])
    return Mirror(store, CopyFolder(data.expanduser().resolve() / f"landing-{name}"), most_bytes)


class LandingObjects:
    """Objects below an address (``extractors.landing.objects.ObjectStore``). The library tries again what fails."""

    def __init__(self, store: "S3Store", address: str) -> None:
        self._store = store
        self.address = address

    def list_objects(self, folder: str) -> list[StoredObject]:
        """Return the objects of a folder and of those in it, by their names below it."""
        with self._name_failures():
            return [
                StoredObject(entry["path"][len(folder) + 1 :], entry["size"], entry["e_tag"] or "")
                for entries in obstore.list(self._store, prefix=folder)
                for entry in entries
            ]

    def list_folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        with self._name_failures():
            result = obstore.list_with_delimiter(self._store, prefix=folder or None)
            return [path.rpartition("/")[2] for path in result["common_prefixes"]]

    def read(self, name: str) -> tuple[bytes, str]:
        """Return an object's content and its version. Raises FileNotFoundError."""
        with self._name_failures():
            result = obstore.get(self._store, name)
            return bytes(result.bytes()), result.meta["e_tag"] or ""

    def read_version(self, name: str) -> str | None:
        """Return an object's version; None when there is no such object."""
        try:
            with self._name_failures():
                return obstore.head(self._store, name)["e_tag"]
        except FileNotFoundError:
            return None

    def fetch(self, name: str, path: Path) -> None:
        """Write an object's content to a file that does not exist yet. Raises FileNotFoundError."""
        with self._name_failures():
            result = obstore.get(self._store, name)
            with path.open("xb") as file:
                path.chmod(0o600)
                for piece in result.stream(min_chunk_size=2**20):
                    file.write(piece)

    def write(self, name: str, content: bytes | Path) -> str:
        """Write an object, in place of an earlier one, from bytes or from a file. Return its version."""
        if isinstance(content, Path) and content.stat().st_size <= _WHOLE_BYTES:
            content = content.read_bytes()
        with self._name_failures():
            return obstore.put(self._store, name, content, use_multipart=isinstance(content, Path))["e_tag"] or ""

    def write_if(self, name: str, content: bytes, version: str | None) -> str | None:
        """Write an object if it has this version, or with None if there is none. Return its version; None if refused.

        The object bears a mark of this call, so that one whose answer was lost is known again when the library repeats
        it and is refused.
        """
        mark = secrets.token_hex(8)
        mode: obstore.PutMode = "create" if version is None else {"e_tag": version}
        try:
            with self._name_failures():
                return obstore.put(
                    self._store, name, content, mode=mode, use_multipart=False, attributes={_WRITER: mark}
                )["e_tag"]
        except (FileExistsError, FileNotFoundError):
            return self._find_written(name, mark)

    def _find_written(self, name: str, mark: str) -> str | None:
        try:
            with self._name_failures():
                result = obstore.get(self._store, name)
                return result.meta["e_tag"] if result.attributes.get(_WRITER) == mark else None
        except FileNotFoundError:
            return None

    def delete(self, names: Collection[str]) -> None:
        """Delete objects; those that are gone already do not matter."""
        with suppress(FileNotFoundError), self._name_failures():
            obstore.delete(self._store, list(names))

    @contextmanager
    def _name_failures(self) -> Iterator[None]:
        try:
            yield
        except (AlreadyExistsError, PreconditionError) as error:
            raise FileExistsError(errno.EEXIST, "another writer was first", self.address) from error
        except (BaseError, FileNotFoundError) as error:
            if isinstance(error, FileNotFoundError) and _NO_BUCKET not in str(error):
                raise FileNotFoundError(errno.ENOENT, "an object is not there", self.address) from error
            sentence = describe_store_error(error, self.address).removeprefix(f"{self.address}: ")
            raise OSError(errno.EREMOTEIO, sentence, self.address) from error


class LandingNotes:
    """Small objects beside the folders of a landing zone (``warehouse.storage.locks.Notes``). Raises OSError."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def read_note(self, name: str) -> bytes | None:
        """Return an object's content; None when there is no such object."""
        try:
            return self._objects.read(name)[0]
        except FileNotFoundError:
            return None

    def swap_note(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write an object if its content still is ``old`` (None: there is none). Return whether it was written."""
        version = None
        if old is not None:
            try:
                content, version = self._objects.read(name)
            except FileNotFoundError:
                return False
            if content != old:
                return False
        return self._objects.write_if(name, new, version) is not None
