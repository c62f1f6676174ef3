"""The copies of a landing zone on an object store: what this process reads and writes of it, in a folder of its own.

An object has the name that its file has in a landing zone on a disk. Segments and bodies are written once; before the
first reading, under every fetch lock, and where it matters what other machines did meanwhile, the objects of an account
are listed, and the folder is made the same: what is gone in the store is removed here, what changed is fetched. Large
files are fetched when they are opened first. What is here and not in the store is not landed: a killed run's rest is
removed. No line of a log is read here.
"""

import errno
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extractors.landing.copy_files import (
    COPY_MODE,
    LARGE_ENDING,
    do_at_once,
    is_copied,
    is_copy,
    is_copy_of,
    is_whole,
    list_files,
)
from extractors.landing.copy_folders import CopyFolder, mark_compared
from extractors.landing.copy_room import USED_SECONDS, CopyRoom, set_away
from extractors.landing.files import choose_temporary_name, make_private_folder, write_private_file
from extractors.landing.forgotten import LIST_NAME
from extractors.landing.index import LandingIndex
from extractors.landing.landed_files import AWAY_ENDING, INDEX_NAME, away_path, register_keeper
from extractors.landing.objects import ObjectStore, StoredObject
from extractors.landing.saved_index import restore_index, save_index

log = logging.getLogger("chatmart.landing")

_CHECK_NAME = ".check"


class Mirror:
    """The copies of one landing zone in a folder that no other process uses. They take at most about ``most_bytes``.

    Every method raises OSError.
    """

    def __init__(self, store: ObjectStore, folder: CopyFolder, most_bytes: int) -> None:
        self.store = store
        self.root = root = folder.path
        self._copy_folder = folder
        self._guard = threading.Lock()
        self._room = CopyRoom(root, most_bytes)
        self._objects: dict[Path, dict[str, StoredObject]] = {}
        self._removed: dict[Path, set[str]] = defaultdict(set)
        self._locks: dict[Path, threading.RLock] = {}
        self._used_at: dict[Path, float] = {}
        make_private_folder(root, root)
        register_keeper(root, self)

    @contextmanager
    def hold(self, folder: Path) -> Iterator[None]:
        """Keep other threads from an account's copies inside the block."""
        with self._guard:
            lock = self._locks.setdefault(folder, threading.RLock())
        with lock:
            self._used_at[folder] = time.monotonic()
            yield

    def require_known(self, folder: Path) -> None:
        """List the objects of an account's folder when this process has not listed them yet."""
        if folder not in self._objects:
            with self.hold(folder):
                if folder not in self._objects:
                    self.pull(folder)

    def pull(self, folder: Path) -> None:
        """Make an account's folder the same as its objects, which are listed. No log may be open there."""
        with self.hold(folder):
            listed = {entry.name: entry for entry in self.store.list_objects(self._name(folder)) if is_copied(entry)}
            before = self._objects.get(folder, {})
            for path, stat in list_files(folder):
                entry = listed.get(path.relative_to(folder).as_posix().removesuffix(AWAY_ENDING))
                is_landed = entry is not None and before.get(entry.name, entry) == entry
                if entry is None or not is_landed or not is_copy_of(path, stat, entry):
                    if entry is not None and stat.st_size == entry.size:
                        (folder / INDEX_NAME).unlink(missing_ok=True)  # it sees by the length that a segment changed
                    path.unlink(missing_ok=True)
            self._removed.pop(folder, None)
            self._objects[folder] = listed  # what is read below is brought by name
            large = [entry for entry in listed.values() if entry.name.endswith(LARGE_ENDING)]
            for entry in large:
                if not (folder / entry.name).exists() and not away_path(folder / entry.name).exists():
                    set_away(folder / entry.name, entry.size)
            small = [folder / name for name in listed if not name.endswith(LARGE_ENDING)]
            known = {folder / name for name in before}
            changed = [path for path in small if path not in known or not path.exists()]
            do_at_once(self._fetch, changed)
            if folder / LIST_NAME in changed:  # on another machine: what it has erased may be in other copies too
                self._copy_folder.drop_elsewhere(folder)
            restore_index(folder)
            unknown = [segment.path for segment in LandingIndex(folder).list_unknown_segments()]
            do_at_once(self._fetch, [path for path in unknown if not path.exists()])
            if unknown:
                LandingIndex(folder).list_streams()  # reads them
            mark_compared(folder)

    def bring(self, path: Path) -> None:
        """Fetch a file that is not here."""
        with self.hold(self._account_folder(path)):
            if not path.exists():
                self._fetch(path)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file here and in the store."""
        with self.hold(self._account_folder(path)):
            make_private_folder(self.root, path.parent)
            version = self.store.write(self._name(path), content)
            write_private_file(path, content)
            self._note(path, version)

    def keep(self, path: Path) -> None:
        """Write a file that is here to the store too."""
        with self.hold(self._account_folder(path)):
            self._send(path)

    def remove(self, path: Path) -> None:
        """Remove a file here at once, and in the store when the next ``settle`` has written what is new."""
        folder = self._account_folder(path)
        with self.hold(folder):
            path.unlink(missing_ok=True)
            away_path(path).unlink(missing_ok=True)
            self._removed[folder].add(path.relative_to(folder).as_posix())

    def settle(self, folder: Path) -> None:
        """Write to the store what an account's folder has anew, then remove there what was removed here.

        Bodies come before the segments that name them, so that a kill in between leaves nothing torn.
        """
        with self.hold(folder):
            known = self._objects.setdefault(folder, {})
            new = [path for path, stat in list_files(folder) if is_whole(path) and not is_copy(stat)]
            for group in (
                [path for path in new if path.parent != folder],
                sorted(path for path in new if path.parent == folder),
            ):
                do_at_once(self._send, group)
            gone = [name for name in self._removed.pop(folder, ()) if name in known]
            if gone:
                self.store.delete([f"{self._name(folder)}/{name}" for name in gone])
                for name in gone:
                    del known[name]

    def save_index(self, folder: Path, *, at_once: bool = False) -> None:
        """Save the index of an account for other machines, when it has grown enough or ``at_once``."""
        with self.hold(folder):
            if save_index(self.root, folder, at_once=at_once):
                self.settle(folder)

    def read_current_version(self, path: Path) -> str | None:
        """Return the version of an object of an account, as it is in the store now; None when there is none."""
        return self.store.read_version(self._name(path))

    def refresh_file(self, path: Path) -> None:
        """Fetch a small file anew if the store has another version of it, or remove it."""
        folder = self._account_folder(path)
        with self.hold(folder):
            version = self.read_current_version(path)
            if version == self.known_version(path):
                return
            self._objects.setdefault(folder, {}).pop(self._entry_name(path), None)
            if version is None:
                path.unlink(missing_ok=True)
            else:
                self._fetch(path)
                self._note(path, version)

    def check_access(self) -> None:
        """Write an object, read and delete it."""
        self.store.write(_CHECK_NAME, b"")
        self.store.read(_CHECK_NAME)
        self.store.delete([_CHECK_NAME])

    def known_version(self, path: Path) -> str | None:
        """Return the version of an account's object of which the copy was made; None when there is none."""
        entry = self._objects.get(self._account_folder(path), {}).get(self._entry_name(path))
        return entry.version if entry else None

    def read_document(self, path: Path) -> tuple[bytes | None, str | None]:
        """Return what the store has under a file's name, and its version; None for both when it has nothing."""
        try:
            return self.store.read(self._name(path))
        except FileNotFoundError:
            return None, None

    def write_document(self, path: Path, content: bytes, version: str | None) -> bool:
        """Write to the store under a file's name if the version there is this one. Return whether it was."""
        return self.store.write_if(self._name(path), content, version) is not None

    def set_document_aside(self, path: Path, aside: Path, content: bytes) -> None:
        """Move what was read under a file's name to another one."""
        self.store.write(self._name(aside), content)
        self.store.delete([self._name(path)])

    def list_accounts(self) -> list[tuple[str, str]]:
        """Return provider and account of every account that has objects."""
        providers = [name for name in self.store.list_folders("") if name.startswith("provider=")]
        accounts = [(provider, name) for provider in providers for name in self.store.list_folders(provider)]
        return [
            (provider.partition("=")[2], name.partition("=")[2])
            for provider, name in sorted(accounts)
            if name.startswith("account=")
        ]

    def drop_copies(self, folder: Path) -> None:
        """Remove all copies of an account, and list it anew: what is read next is what the store has.

        The index stays: it knows which batches a segment had that is damaged in the store.
        """
        with self.hold(folder):
            for path, _ in list_files(folder):
                path.unlink(missing_ok=True)
            self._objects.pop(folder, None)
            self.pull(folder)

    def drop_elsewhere(self, folder: Path) -> None:
        """Remove an account's copies from the folders of processes of this machine that have ended."""
        self._copy_folder.drop_elsewhere(folder)

    def _send(self, path: Path) -> None:
        """Write a file to the store; a segment only where none of that name is there."""
        name = self._name(path)
        if path.parent == self._account_folder(path) and path.name.endswith(LARGE_ENDING):
            content = path.read_bytes()
            version = self.store.write_if(name, content, None) or self._find_version(name, content)
            if version is None:
                problem = "another run has written this segment meanwhile, without the lock of this one"
                raise OSError(errno.EEXIST, problem, f"{self.store.address}/{name}")
        else:
            version = self.store.write(name, path)
        self._note(path, version)

    def _find_version(self, name: str, content: bytes) -> str | None:
        """Return the version of an object with this content, which an earlier try has written; None for another one."""
        try:
            present, version = self.store.read(name)
        except FileNotFoundError:
            return None
        return version if present == content else None

    def _note(self, path: Path, version: str) -> None:
        name, size = self._entry_name(path), path.stat().st_size
        path.chmod(COPY_MODE)
        self._objects.setdefault(self._account_folder(path), {})[name] = StoredObject(name, size, version)

    def _fetch(self, path: Path) -> None:
        make_private_folder(self.root, path.parent)
        temporary = path.with_name(choose_temporary_name(path.name))
        try:
            self.store.fetch(self._name(path), temporary)
            temporary.chmod(COPY_MODE)
            size = temporary.stat().st_size
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        away_path(path).unlink(missing_ok=True)
        self._room.add(size, self._is_landed)

    def _is_landed(self, path: Path) -> bool:
        """Return whether the store has a file, so that its copy may make room; or whether an index is not in use."""
        if path.name == INDEX_NAME:
            return time.monotonic() - self._used_at.get(path.parent, -USED_SECONDS) >= USED_SECONDS
        return path.name.endswith(LARGE_ENDING) and self.known_version(path) is not None

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _account_folder(self, path: Path) -> Path:
        provider, account = path.relative_to(self.root).parts[:2]
        return self.root / provider / account

    def _entry_name(self, path: Path) -> str:
        return path.relative_to(self._account_folder(path)).as_posix()
