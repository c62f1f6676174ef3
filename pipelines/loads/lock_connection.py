"""How to connect to the database of the locks: its address taken apart, keepalives, and the sentences of failures.

psycopg2 is imported only here and where a session runs its statements: a run without `locks:` does without it.
"""

import os
import socket
from typing import TYPE_CHECKING, Any

from extractors.foreign_text import clean_line
from pipelines.configuration.lock_database import LockDatabase

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 -- a class

_CONNECT_SECONDS = 10
_KEEPALIVES = {"idle": 10, "interval": 5, "count": 3}
"""Seconds without a word, seconds between probes, probes: an end whose cable is cut is given up after 25 seconds."""

_UNANSWERED_MILLISECONDS = 25_000
_NAME_BYTES = 63
"""PostgreSQL cuts a longer name of an application."""

_SET_UP = """
SELECT set_config(name, value, false)
FROM pg_settings JOIN unnest(%s, %s) AS wanted (name, value) USING (name)
"""
_SERVER_SETTINGS = {
    **{f"tcp_keepalives_{name}": str(value) for name, value in _KEEPALIVES.items()},
    "tcp_user_timeout": str(_UNANSWERED_MILLISECONDS),
    "idle_session_timeout": "0",  # a session that holds a lock may be idle for hours
    "statement_timeout": "0",
}


def name_place(database: LockDatabase) -> str:
    """Return the database as people know it, by host and name, without user and password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(database.address)
    except (ArgumentError, ValueError):
        return f"that of {database.source}"
    return clean_line(f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}")


def connect(database: LockDatabase, command: str) -> "tuple[Connection, int]":
    """Return a new session, and the number of the server's process behind it.

    The session's name is that of this process, its `command` and its machine. Raises ConnectionError with a sentence.
    """
    if not database.address:
        raise ConnectionError(f"The locks of {database.source} cannot be used: {database.problem}.")
    try:
        import psycopg2
    except ImportError:
        raise ConnectionError(
            f"The locks of {database.source} need the driver psycopg2, which is not installed: "
            "run `pip install 'chatmart[cluster]'`."
        ) from None
    try:
        connection = psycopg2.connect(**_read_arguments(database), **_name_client(command))
        connection.autocommit = True
        backends = [_set_up(connection), _read_backend(connection)]
    except psycopg2.Error as error:
        raise ConnectionError(
            f"The database of the locks, {name_place(database)} of {database.source}, cannot be used "
            f"({describe_error(error)}): see that it runs and lets this user in, then run the same command again."
        ) from None  # what the driver says may hold the address
    # a proxy that shares connections invents the number that it tells its clients
    if {*backends} != {connection.info.backend_pid}:
        connection.close()
        raise ConnectionError(describe_pooler(database))
    return connection, backends[0]


def describe_pooler(database: LockDatabase) -> str:
    """Return the sentence that refuses a proxy which gives one session to several clients."""
    return (
        f"A proxy that shares connections, such as PgBouncer, stands before {name_place(database)}, and a lock would "
        f"have no holder there: give {database.source} the address of PostgreSQL itself."
    )


def describe_error(error: Exception) -> str:
    """Return what the driver says, in one line, without secrets."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return clean_line(lines[0] if lines else type(error).__name__)


def _read_arguments(database: LockDatabase) -> dict[str, Any]:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(database.address)
    except (ArgumentError, ValueError):
        problem = "it is no address of a PostgreSQL database"
        raise ConnectionError(f"The locks of {database.source} cannot be used: {problem}.") from None
    return {**url.query, **url.translate_connect_args(username="user", database="dbname")}


def _name_client(command: str) -> dict[str, Any]:
    name = f"chatmart {os.getpid()} {command} {socket.gethostname()}"
    keepalives = {f"keepalives_{key}": value for key, value in _KEEPALIVES.items()}
    return {
        "application_name": name.encode("ascii", "replace")[:_NAME_BYTES].decode(),
        "connect_timeout": _CONNECT_SECONDS,
        "keepalives": 1,
        **keepalives,
        "tcp_user_timeout": _UNANSWERED_MILLISECONDS,
    }


def _set_up(connection: "Connection") -> int:
    """Set how long the server waits for this end. Return the number of its process."""
    with connection.cursor() as cursor:
        cursor.execute(_SET_UP, (list(_SERVER_SETTINGS), list(_SERVER_SETTINGS.values())))
    return _read_backend(connection)


def _read_backend(connection: "Connection") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[number]] = cursor.fetchall()
    return int(number)
