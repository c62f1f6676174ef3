"""A PostgreSQL server for tests: one per process, on a free port of this machine, in a folder of its own."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.wait_until import wait_until

USER, PASSWORD, DATABASE = "locks", "not-a-password-0123", "postgres"
_UNPRIVILEGED_USER = "nobody"
"""The server refuses to run as root."""


@cache
def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed. Debian keeps them out of the PATH."""
    command = shutil.which("postgres")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if command:
        folders.append(Path(command).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


class PostgresServer:
    """A server that ends with this process, at the latest. Its data are lost then; nothing is synced to disk.

    It listens on the address ``host``, for clients with the password.
    """

    def __init__(self, programs: Path, host: str = "127.0.0.1") -> None:
        self._programs = programs
        self._host = host
        self._is_root = os.geteuid() == 0
        self._folder = Path(tempfile.mkdtemp(prefix="chatmart-postgres-"))
        (self._folder / "password").write_text(PASSWORD)
        if self._is_root:
            for path in (self._folder, self._folder / "password"):
                shutil.chown(path, _UNPRIVILEGED_USER)
        with socket.socket() as chosen:
            chosen.bind((host, 0))
            self.port = int(chosen.getsockname()[1])
        options = ["--no-sync", "--no-instructions", "--auth=scram-sha-256", f"--username={USER}", "--encoding=UTF8"]
        self._call("initdb", *options, "--locale=C", f"--pwfile={self._folder / 'password'}", "-D", self._data).wait()
        with Path(self._data, "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"postgresql+psycopg2://{USER}:{PASSWORD}@{self._host}:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Start the server, and return when it answers."""
        quick = ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_wal_size=64MB"]
        quiet = [f"listen_addresses={self._host}", f"unix_socket_directories={self._folder}", "log_min_messages=fatal"]
        settings = [word for setting in (*quick, *quiet) for word in ("-c", setting)]
        self._server = self._call("postgres", "-D", self._data, "-p", str(self.port), *settings)
        wait_until(self._answers)

    def stop(self) -> None:
        """End the server at once, as a crash does: all sessions are cut."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(20)

    def remove(self) -> None:
        """End the server, and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement, in a session of its own."""
        con = psycopg2.connect(self.url.replace("+psycopg2", ""))
        try:
            con.autocommit = True
            with con.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall()
        finally:
            con.close()

    def _answers(self) -> bool:
        assert self._server.poll() is None, "PostgreSQL ended"
        try:
            return self.query("SELECT 1") == [(1,)]
        except psycopg2.OperationalError:
            return False

    def _call(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program that ends with this process, as a user without rights where this one is root."""
        command = [str(self._programs / program), *arguments]
        if shutil.which("setpriv"):
            other = [f"--reuid={_UNPRIVILEGED_USER}", "--clear-groups"] if self._is_root else []
            command = ["setpriv", "--pdeathsig=QUIT", *other, *command]
        return subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@cache
def start_postgres(host: str = "127.0.0.1") -> PostgresServer:
    """Start the server of this process. Skips the test where PostgreSQL is not installed."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install -y postgresql)")
    server = PostgresServer(programs, host)
    atexit.register(server.remove)
    return server
