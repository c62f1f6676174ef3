"""The session of this process in the database of the locks: PostgreSQL's advisory locks, by name.

A session lock is free as soon as its session ends: when the process is killed, or when neither side has heard of the
other for some 25 seconds. Within one session PostgreSQL gives a lock twice, so that the threads of a process exclude
one another here, before the database is asked. Nobody waits here: who does asks again, so that one connection serves
all locks of a process. What must not come in: which locks a writer needs, the words of a warehouse or a landing zone.
"""

import os
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from extractors.foreign_text import clean_line
from pipelines.configuration.lock_database import LockDatabase
from pipelines.loads.lock_connection import connect, describe_error, describe_pooler, name_place

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 -- a class

RECONNECT_SECONDS = 30.0
"""A database that was reached before is tried again for so long: it may just be restarted."""

_RECONNECT_PAUSE_SECONDS = 0.5
_FAILURE_SECONDS = 5.0
_APPLICATION = re.compile(r"chatmart (?P<process>\d+) (?P<command>.*) (?P<host>\S+)")

_TRY = "SELECT pg_backend_pid(), pg_try_advisory_lock(%s)"
_RELEASE = "SELECT pg_backend_pid(), pg_advisory_unlock(%s)"
_IS_ALIVE = "SELECT pg_backend_pid()"
_FIND_HOLDER = """
SELECT pg_backend_pid(), application_name, backend_start
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = %s AND objid::bigint = %s
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_IDENTIFY = """
SELECT pg_backend_pid(), system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""


def lock_key(name: str) -> int:
    """Return the number of a lock: 64 bits of a hash of its name, as a signed number.

    >>> lock_key("landing /data/landing cognigy/acme")
    812825677371166150
    """
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


class _Lost(ConnectionError):
    """The connection has ended. The locks that were taken in it are free."""


class LockSession:
    """Locks by name in one database. Threads may share it, and a forked child opens a session of its own.

    Its methods raise ConnectionError, with a sentence, when the database cannot be used.
    """

    def __init__(self, database: LockDatabase, command: str) -> None:
        self._database = database
        self._command = command
        self._abandoned: list[Connection | None] = []
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._mutex = Lock()
        self._connection: Connection | None = None
        self._backend = 0
        self._lost_at_seconds: float | None = None
        self._failure, self._failed_at_seconds = "", 0.0
        self._held: dict[str, Connection | None] = {}

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._process != os.getpid():  # to close the parent's connection would end the parent's session
            self._abandoned.append(self._connection)
            self._begin()
        with self._mutex:
            yield

    @property
    def place(self) -> str:
        """The database, as people know it."""
        return name_place(self._database)

    def try_acquire(self, name: str) -> bool:
        """Take the lock `name` unless it is held, by this process or another. Return whether it was taken."""
        with self._turn():
            if name in self._held:
                return False
            [(is_taken,)] = self._query(_TRY, lock_key(name))
            if is_taken:
                self._held[name] = self._connection
            return bool(is_taken)

    def release(self, name: str) -> None:
        """Release a lock. One whose session is lost is free already."""
        with self._turn():
            session = self._held.pop(name, None)
            if session is not None and session is self._connection:
                with suppress(ConnectionError):
                    self._run(_RELEASE, lock_key(name))

    def require_held(self, names: Collection[str]) -> None:
        """Raise ConnectionError unless the session in which these locks were taken is alive."""
        with self._turn():
            if self._connection is not None and all(self._held.get(name) is self._connection for name in names):
                with suppress(_Lost):
                    self._run(_IS_ALIVE)
                    return
        raise ConnectionError(
            f"The connection to the database of the locks, {self.place}, was lost while this run held locks in it: "
            "nothing was written, run the same command again."
        )

    def describe_holder(self, name: str) -> str:
        """Return the process that holds a lock, its machine, and since when (UTC) it is connected.

        An empty text when nobody holds it any more.
        """
        key = lock_key(name) % 2**64
        with self._turn():
            rows = self._query(_FIND_HOLDER, key >> 32, key % 2**32)
        if not rows:
            return ""
        application, since = rows[0]
        match = _APPLICATION.fullmatch(application or "")
        holder = "process {process} on {host}, {command}".format(**match.groupdict()) if match else str(application)
        # the times of another user's sessions are not shown
        return clean_line(
            f"{holder}, connected since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if since else holder
        )

    def identify(self) -> str:
        """Return what tells this database from every other one, whatever address leads to it."""
        with self._turn():
            return "/".join(map(str, self._query(_IDENTIFY)[0]))

    def _query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement without their first column. A connection that is lost is opened anew."""
        if self._connection is not None:
            with suppress(_Lost):
                return self._run(sql, *parameters)
        self._reconnect()
        return self._run(sql, *parameters)

    def _run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement whose first column is the number of the server's process that runs it."""
        import psycopg2

        if self._connection is None:
            raise _Lost(f"The connection to {self.place} was lost.")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows = cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            self._close()
            raise _Lost(f"The connection to {self.place} was lost ({describe_error(error)}).") from None
        except psycopg2.Error as error:
            raise ConnectionError(
                f"The database of the locks, {self.place}, refuses: {describe_error(error)}."
            ) from None
        if any(row[0] != self._backend for row in rows):
            self._close()
            raise ConnectionError(describe_pooler(self._database))
        return [row[1:] for row in rows]

    def _reconnect(self) -> None:
        """Open a session. After a loss it is tried again for ``RECONNECT_SECONDS``; all that ask meanwhile wait.

        For some seconds after a failure the next one is the same: a thousand accounts may ask one after the other.
        """
        if self._failure and time.monotonic() < self._failed_at_seconds + _FAILURE_SECONDS:
            raise ConnectionError(self._failure)
        while True:
            try:
                self._connection, self._backend = connect(self._database, self._command)
            except ConnectionError as error:
                now = time.monotonic()
                if self._lost_at_seconds is None or now >= self._lost_at_seconds + RECONNECT_SECONDS:
                    self._failure, self._failed_at_seconds = str(error), now
                    raise
                time.sleep(_RECONNECT_PAUSE_SECONDS)
            else:
                self._failure, self._lost_at_seconds = "", None
                return

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection, self._lost_at_seconds = None, time.monotonic()


_sessions: dict[LockDatabase, LockSession] = {}


def open_session(database: LockDatabase, command: str) -> LockSession:
    """Return the one session of this process in a database. It is connected when the first lock is taken."""
    return _sessions.setdefault(database, LockSession(database, command))
