"""The files of a Delta lake in an object store, and their copies on this machine.

An object is written once and never changed, so that a copy is as good. Credentials are those of the environment. What
must not come in: the log, the meaning of a file's name, SQL.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from warehouse.disk_failures import describe_store_error
from warehouse.errors import StorageFailed
from warehouse.storage.delta.lake_files import DATA_FILES, StoredFile
from warehouse.storage.files import make_folder

_AT_ONCE = 8
"""Requests at the same time: an object store answers each after some 40 ms, whatever else it does."""


class ObjectFiles:
    """Objects of a store, below its prefix. Copies are in the folder `private`. `address` is named in errors."""

    def __init__(self, store: S3Store, address: str, private: Path) -> None:
        self._store = store
        self._address = address
        self._copies = private / "_copies"
        self._new = private / "_new"

    def local_paths(self, sizes: Mapping[str, int]) -> dict[str, Path]:
        """Return the paths of copies; those that are missing, or not whole, are fetched first."""
        paths = {name: self._copies / _base_name(name) for name in sizes}
        missing = [name for name, path in paths.items() if not path.exists() or path.stat().st_size != sizes[name]]
        self._do_at_once(self._fetch, missing)
        return paths

    def new_path(self, name: str) -> Path:
        """Return a path on this machine."""
        make_folder(self._new)
        return self._new / _base_name(name)

    def keep(self, names: Collection[str]) -> None:
        """Upload the files. What was uploaded stays here as a copy: the next commit reads it."""
        make_folder(self._copies)
        self._do_at_once(self._upload, names)

    def confirm_log(self) -> None:
        """Do nothing: an object store has what it has answered for."""

    def newest_log_entry(self) -> Path | None:
        """Return None: no object is moved away."""
        return None

    def set_log_aside(self) -> Path | None:
        """Return None: no object is moved away."""
        return None

    def read_note(self, name: str) -> bytes | None:
        """Return the content of an object."""
        with self._name_failures():
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def write_note(self, name: str, content: bytes) -> None:
        """Replace an object."""
        with self._name_failures():
            obstore.put(self._store, name, content, use_multipart=False)

    def swap_note(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Replace an object, or create it, unless another writer did so first."""
        with self._name_failures():
            try:
                result = obstore.get(self._store, name)
                if bytes(result.bytes()) != old:
                    return False
                mode: obstore.PutMode = {"e_tag": result.meta["e_tag"]}
            except FileNotFoundError:
                if old is not None:
                    return False
                mode = "create"
            try:
                obstore.put(self._store, name, new, use_multipart=False, mode=mode)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def list_data_files(self) -> Iterator[StoredFile]:
        """Yield the objects of all partitions."""
        now = time.time()
        with self._name_failures():
            for objects in obstore.list(self._store):
                for entry in objects:
                    if entry["path"].startswith(DATA_FILES):
                        yield StoredFile(entry["path"], now - entry["last_modified"].timestamp())

    def remove(self, names: Collection[str]) -> None:
        """Delete the objects and their copies."""
        for name in names:
            (self._new / _base_name(name)).unlink(missing_ok=True)
            (self._copies / _base_name(name)).unlink(missing_ok=True)
        self._do_at_once(self._delete, names)

    def forget_copies(self, current: Collection[str]) -> None:
        """Unlink the copies of all files but the current ones."""
        kept = {_base_name(name) for name in current}
        for path in self._copies.glob("*"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _fetch(self, name: str) -> None:
        make_folder(self._copies)
        part = self._copies / f"{uuid4().hex}.part"
        try:
            part.write_bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return  # a file that is missing is named by whoever opens it
        part.replace(self._copies / _base_name(name))

    def _upload(self, name: str) -> None:
        path = self._new / _base_name(name)
        obstore.put(self._store, name, path.read_bytes(), use_multipart=False)
        path.replace(self._copies / path.name)

    def _delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            obstore.delete(self._store, name)

    def _do_at_once(self, work: Callable[[str], None], names: Collection[str]) -> None:
        if not names:
            return
        with self._name_failures(), ThreadPoolExecutor(min(_AT_ONCE, len(names))) as pool:
            for _ in pool.map(work, names):
                pass

    @contextmanager
    def _name_failures(self) -> Iterator[None]:
        try:
            yield
        except BaseError as error:
            raise StorageFailed(describe_store_error(error, self._address)) from error


def _base_name(name: str) -> str:
    return name.rsplit("/", 1)[1]
