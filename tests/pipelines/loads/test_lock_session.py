"""What is peculiar to locks in PostgreSQL: its session, its failures, and whoever stands between."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.configuration.lock_database import LockDatabase
from pipelines.loads import lock_connection, lock_session
from pipelines.loads.lock_session import LockSession, open_session
from tests.support.postgres import PASSWORD, PostgresServer, start_postgres


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    return start_postgres()


def open_own(url: str) -> LockSession:
    return LockSession(LockDatabase("`locks:` in chatmart.yaml", url), "load")


def count_sessions(server: PostgresServer) -> int:
    [(count,)] = server.query(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s", f"chatmart {os.getpid()} %"
    )
    return int(count)


def test_a_process_has_one_session_for_all_its_locks(server: PostgresServer) -> None:
    database, before = LockDatabase("`locks:`", server.url), count_sessions(server)
    first, second = open_session(database, "load"), open_session(database, "replay")
    assert first.try_acquire("one session: a")
    assert not second.try_acquire("one session: a"), "PostgreSQL would give it twice to one session"
    assert second.try_acquire("one session: b")
    assert count_sessions(server) == before + 1
    for name in "ab":
        first.release(f"one session: {name}")


def test_a_server_waits_for_a_cut_cable_no_longer_than_a_client(server: PostgresServer) -> None:
    session = open_own(server.url)
    with session._turn():
        [settings] = session._query(
            "SELECT pg_backend_pid(), current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout'), "
            "current_setting('idle_session_timeout')"
        )
    assert settings == ("10", "25000", "0")


def test_a_restart_of_the_database_takes_the_locks_and_the_next_one_is_given(server: PostgresServer) -> None:
    session, other = open_own(server.url), open_own(server.url)
    assert session.try_acquire("restart")
    session.require_held(["restart"])
    server.stop()
    with pytest.raises(ConnectionError, match="was lost while this run held locks in it: nothing was written"):
        session.require_held(["restart"])
    server.start()
    assert other.try_acquire("restart")
    assert session.try_acquire("next"), "a fresh session"
    session.require_held(["next"])
    with pytest.raises(ConnectionError, match="was lost"):
        session.require_held(["restart", "next"])
    session.release("restart")
    assert not session.try_acquire("restart"), "that of the other holder stays"


def test_a_database_that_is_restarted_is_waited_for(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_own(server.url)
    assert session.try_acquire("before")
    server.stop()
    attempts = []

    def connect_at_the_third_attempt(*arguments: Any) -> Any:
        attempts.append(arguments)
        if len(attempts) == 3:
            server.start()
        return lock_connection.connect(*arguments)

    monkeypatch.setattr(lock_session, "connect", connect_at_the_third_attempt)
    monkeypatch.setattr(lock_session, "_RECONNECT_PAUSE_SECONDS", 0.01)
    assert session.try_acquire("after")
    assert len(attempts) == 3
    server.stop()
    monkeypatch.setattr(lock_session, "RECONNECT_SECONDS", 0)
    for _ in range(3):  # a thousand accounts may ask: one of them waits for the answer
        with pytest.raises(ConnectionError, match="cannot be used"):
            session.try_acquire("never")
    assert len(attempts) == 4
    server.start()
    monkeypatch.setattr(lock_session, "_FAILURE_SECONDS", 0)
    assert session.try_acquire("again")


def test_a_forked_child_has_a_session_of_its_own(server: PostgresServer) -> None:
    session = open_own(server.url)
    assert session.try_acquire("forked")
    child = os.fork()
    if not child:
        is_refused = not session.try_acquire("forked") and session.try_acquire("own")
        os._exit(0 if is_refused else 1)
    assert os.waitpid(child, 0)[1] == 0
    session.require_held(["forked"])
    assert session.try_acquire("own"), "the child's ended with it"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("0123@", "9876@"), 'password authentication failed for user "locks"'),
        (("127.0.0.1", "nowhere.invalid"), "could not translate host name"),
        (("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
    ],
    ids=["password", "host", "database"],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(
    server: PostgresServer, change: tuple[str, str], reason: str
) -> None:
    url = server.url.replace(*change)
    with pytest.raises(ConnectionError) as caught:
        open_own(url).try_acquire("x")
    sentence = str(caught.value)
    host = "nowhere.invalid" if "nowhere.invalid" in url else "127.0.0.1"
    assert sentence.startswith(f"The database of the locks, {host}:{server.port}/")
    assert reason in sentence
    assert "`locks:` in chatmart.yaml" in sentence
    assert sentence.endswith("see that it runs and lets this user in, then run the same command again.")
    assert PASSWORD[:-4] not in sentence
    assert caught.value.__cause__ is None


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(
        ConnectionError, match=r"psycopg2, which is not installed: run `pip install 'chatmart\[cluster\]'`"
    ):
        open_own("postgresql://u@h/d").try_acquire("x")


@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        (LockDatabase("`locks:`", "", "it has no value"), "The locks of `locks:` cannot be used: it has no value."),
        (
            LockDatabase("x.yaml", "nothing"),
            "The locks of x.yaml cannot be used: it is no address of a PostgreSQL database.",
        ),
    ],
)
def test_what_is_no_address_is_named(database: LockDatabase, sentence: str) -> None:
    with pytest.raises(ConnectionError) as caught:
        LockSession(database, "load").try_acquire("x")
    assert str(caught.value) == sentence


def test_a_proxy_that_shares_connections_is_refused(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one shows itself: it tells its client another number of the server's process than the server does."""
    session = open_own(server.url)
    assert session.try_acquire("proxy")
    numbers = iter([4711, 4712])
    monkeypatch.setattr(lock_connection, "_read_backend", lambda _connection: next(numbers))
    with pytest.raises(ConnectionError, match="A proxy that shares connections, such as PgBouncer, stands before 127"):
        open_own(server.url).try_acquire("proxy")
    session._backend += 1
    with pytest.raises(ConnectionError, match="A proxy that shares connections"):
        session.try_acquire("another")
