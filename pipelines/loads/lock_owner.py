"""What guards a place that machines share, as a note in the place says it; others that would write it are refused.

Files are locks of the machine whose folder they are in, and advisory locks those of one database. Writers under other
locks would not see these, so the first writer notes its own, and a writer with others is refused. What must not come
in: how a lock is taken, where a note is kept.
"""

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from extractors.clock import Clock
from extractors.foreign_text import clean_line
from pipelines.loads.lock_session import LockSession
from warehouse.storage.locks import Notes

NOTE_NAME = "_lock_owner.json"

_FILES = "files"
_DATABASE = "postgresql"
_REFRESH_AFTER = timedelta(hours=1)
_ATTEMPTS = 10


@dataclass(frozen=True)
class Ownership:
    """The locks under which a place is written: their kind, their identity, and their place for people.

    ``host`` is the machine that wrote last, at ``written_at`` (UTC, to the nearest hour or so).
    """

    kind: str
    identity: str
    place: str
    host: str
    written_at: str

    def describe(self) -> str:
        """Return the owner and its last writer, for people."""
        at = f"{datetime.fromisoformat(self.written_at):%Y-%m-%d %H:%M} UTC"
        if self.kind == _FILES:
            return clean_line(f"of the machine {self.host} (folder {self.place}), which wrote last about {at}")
        return clean_line(f"in the database {self.place}, under which {self.host} wrote last about {at}")


class NotedOwner:
    """The owner of the locks of this process: its session in a database, or, without one, a folder of this machine."""

    def __init__(self, session: LockSession | None, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def claim(self, address: str, notes: Notes, folder: Path) -> None:
        """Note at ``address`` that it is written under the locks of this process, or find that it is already.

        ``folder`` is that of this machine's locks. A machine alone may give its place to a database, which guards all.
        Raises PermissionError, with a sentence, where others guard it, and ConnectionError.
        """
        own = self._describe(folder)
        for _ in range(_ATTEMPTS):
            content = notes.read_note(NOTE_NAME)
            noted = _parse(content)
            is_own = noted is not None and noted.identity == own.identity
            if noted is not None and not is_own and not (noted.kind == _FILES and own.kind == _DATABASE):
                raise PermissionError(_refuse(address, noted, own))
            if noted is not None and is_own and self._is_fresh(noted):
                return
            if notes.swap_note(NOTE_NAME, content, json.dumps(asdict(own)).encode()):
                return
        raise ConnectionError(_describe_unrest(address))

    def _describe(self, folder: Path) -> Ownership:
        host, now = socket.gethostname(), self._clock.now().isoformat(timespec="seconds")
        if self._session is not None:
            return Ownership(_DATABASE, self._session.identify(), self._session.place, host, now)
        return Ownership(_FILES, _read_identity(folder), str(folder), host, now)

    def _is_fresh(self, noted: Ownership) -> bool:
        age = self._clock.now() - datetime.fromisoformat(noted.written_at)
        return noted.host == socket.gethostname() and abs(age) < _REFRESH_AFTER

    def take_over(self, address: str, notes: Notes, folder: Path) -> None:
        """Note at ``address`` that it is written under the locks of this process, whoever guards it.

        Raises ConnectionError.
        """
        own = json.dumps(asdict(self._describe(folder))).encode()
        for _ in range(_ATTEMPTS):
            if notes.swap_note(NOTE_NAME, notes.read_note(NOTE_NAME), own):
                return
        raise ConnectionError(_describe_unrest(address))


def _parse(content: bytes | None) -> Ownership | None:
    """Return the owner in a note; None for one that cannot be read, which guards nothing."""
    try:
        noted = Ownership(**json.loads(content or b"null"))
        datetime.fromisoformat(noted.written_at).astimezone(UTC)
    except (ValueError, TypeError, AttributeError):
        return None
    return noted


def _refuse(address: str, noted: Ownership, own: Ownership) -> str:
    kind = "files of this machine" if own.kind == _FILES else f"in the database {own.place}"
    return (
        f"{address} is written under locks {noted.describe()}; those of this run are {kind}, which no other writer "
        "would see, so nothing was written. Give `locks:` one PostgreSQL database for all machines, or, when nobody "
        "writes under the other locks any more, run `chatmart check --take-over` here."
    )


def _describe_unrest(address: str) -> str:
    return f"The note {address}/{NOTE_NAME} changes again and again: run the same command again."


def _read_identity(folder: Path) -> str:
    """Return the identity of the folder with this machine's locks: a random text in it, written once."""
    path = folder / "identity"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f"{uuid4().hex}.part"
        draft.touch(mode=0o600)
        draft.write_text(uuid4().hex)
        with suppress(FileExistsError):  # another process was faster, and has an identity for all
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
