"""The index of an account's landing log: which batches its sealed segments hold. It can be rebuilt from them.

It is an SQLite file beside the segments. Whoever opens it brings it up to date: segments that it does not know are
read, segments that are gone are forgotten. Where it cannot be written, it is made in memory.
"""

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from extractors.landing.landed_files import INDEX_NAME, stat_landed
from extractors.landing.segments import Frame, SegmentFile, list_segments, scan_sealed, sealed_segment_path
from extractors.windows import Window

log = logging.getLogger("chatmart.landing")

_VERSION = 2
_TABLES = f"""
BEGIN;
CREATE TABLE segment (name TEXT PRIMARY KEY, size INTEGER NOT NULL, frames TEXT NOT NULL, ended INTEGER NOT NULL);
CREATE TABLE batch (
    number INTEGER NOT NULL, stream TEXT NOT NULL, first_day TEXT NOT NULL, end_day TEXT NOT NULL,
    segment TEXT NOT NULL, line TEXT NOT NULL, checksum INTEGER NOT NULL
);
CREATE INDEX batch_by_days ON batch (stream, end_day);
CREATE INDEX batch_by_segment ON batch (segment);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_HAS_BODY_FILES = "json_array_length(line, '$.body_files')"


@dataclass(frozen=True)
class LandingIndex:
    """The index in an account's folder. Any number of threads and processes may use it at once."""

    folder: Path

    def add_segment(
        self, file: SegmentFile, frames: Sequence[Frame], batch_lines: Iterable[Mapping[str, Any]], *, ended: bool
    ) -> None:
        """Add a segment that was just sealed, without reading it; where that fails, the next reader reads it."""
        try:
            con = self._open_file(but=file)
            try:
                with _transaction(con):
                    _insert_segment(con, file, frames, batch_lines, ended=ended)
            finally:
                con.close()
        except sqlite3.Error as error:
            log.info("%s cannot be written now: %s", self._path, error)

    def list_batch_lines(self, stream: str, within: Window | None = None) -> list[dict[str, Any]]:
        """Return the batch lines of a stream in order of arrival; with ``within`` only those that touch its days."""
        condition, values = "stream = ?", [stream]
        if within is not None:
            condition += " AND end_day > ? AND first_day < ?"
            values += [within.start.isoformat(), within.end.isoformat()]
        return self._read_lines(condition, values)

    def list_segment_lines(self, segment: str) -> list[dict[str, Any]]:
        """Return the batch lines of one segment in order of arrival."""
        return self._read_lines("segment = ?", [segment])

    def list_streams(self) -> list[str]:
        """Return the streams that have a batch."""
        return [stream for (stream,) in self._read("SELECT DISTINCT stream FROM batch")]

    def list_body_files(self) -> set[str]:
        """Return the names of the bodies that are files of their own."""
        return {name for line in self._read_lines(_HAS_BODY_FILES) for name in line["body_files"]}

    def list_body_sizes(self) -> dict[str, int]:
        """Return the least length in bytes of each body that is a file of its own; 1 where it was not recorded."""
        sizes: dict[str, int] = {}
        for line in self._read_lines(_HAS_BODY_FILES):
            names = line["body_files"]
            sizes.update(zip(names, line.get("body_sizes") or [1] * len(names), strict=True))
        return sizes

    def list_unknown_segments(self) -> list[SegmentFile]:
        """Return the sealed segments that whoever opens the index next must read. Nothing is read or written here."""
        sealed = self._list_sealed()
        if not self._path.exists():
            return sealed
        try:
            with closing(sqlite3.connect(self._path, timeout=60)) as con:
                return _list_changes(con, sealed)[1]
        except sqlite3.DatabaseError:  # whoever opens it next makes it anew
            return sealed

    def list_damaged_segments(self) -> list[str]:
        """Return the segments of which a part cannot be read."""
        rows = self._read("SELECT name, size, frames FROM segment")
        frames = ((name, size, [Frame(*numbers) for numbers in json.loads(text)]) for name, size, text in rows)
        return [name for name, size, parts in frames if not parts or sum(part.packed_length for part in parts) < size]

    def read_last_number(self) -> int:
        """Return the highest arrival number; 0 without a batch."""
        return max((number or 0 for (number,) in self._read("SELECT max(number) FROM batch")), default=0)

    def read_frames(self, segment: str) -> tuple[Frame, ...]:
        """Return the frames of a sealed segment. Raises FileNotFoundError when there is no such segment."""
        stat = stat_landed(sealed_segment_path(self.folder, segment))
        return _read_frames(self, segment, stat.st_mtime_ns, stat.st_size)

    def has_ended(self, segment: str) -> bool:
        """Return whether a segment was sealed at the end of its run, with nothing under way."""
        return any(ended for (ended,) in self._read("SELECT ended FROM segment WHERE name = ?", [segment]))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the index, up to date."""
        try:
            con = self._open_file()
        except sqlite3.Error as error:
            log.info("%s cannot be used, the segments are read instead: %s", self._path, error)
            con = self._open_in_memory()
        try:
            yield con
        finally:
            con.close()

    def _read_lines(self, condition: str, values: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the batch lines of a condition in order of arrival."""

        def parse(rows: list[Any]) -> list[dict[str, Any]]:
            if any(zlib.crc32(line.encode()) != checksum for line, checksum in rows):
                raise sqlite3.DatabaseError("a line is not the one that was written")
            return [json.loads(line) for line, _ in rows]

        query = f"SELECT line, checksum FROM batch WHERE {condition} ORDER BY number"  # noqa: S608 -- of this module
        return self._read(query, values, parse)

    def _read(
        self, query: str, values: Sequence[str] = (), parse: Callable[[list[Any]], list[Any]] = list
    ) -> list[Any]:
        """Return the parsed rows of a query; none without segments. An index that turns out damaged is made anew."""
        if not self._list_sealed() and not self._path.exists():
            return []
        try:
            with self._open() as con:
                return parse(con.execute(query, values).fetchall())
        except sqlite3.DatabaseError as error:
            self._remove_damaged(error)
        with self._open() as con:
            return parse(con.execute(query, values).fetchall())

    def check(self) -> None:
        """Compare the search trees of the index with its rows. One that is damaged is made anew."""
        self._read("PRAGMA integrity_check", parse=_require_whole)

    def _remove_damaged(self, error: sqlite3.DatabaseError) -> None:
        """Remove a damaged index; it is made anew by whoever opens it next. Raises other errors of the engine."""
        is_table_gone = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        if isinstance(error, sqlite3.OperationalError) and not is_table_gone:  # locked, read-only, no space
            raise error
        log.warning("%s is damaged and is made anew: %s", self._path, error)
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder / INDEX_NAME

    def _list_sealed(self, but: SegmentFile | None = None) -> list[SegmentFile]:
        return [file for file in list_segments(self.folder) if file.is_sealed and file != but]

    def _open_file(self, but: SegmentFile | None = None) -> sqlite3.Connection:
        try:
            return self._open_current(but)
        except sqlite3.DatabaseError as error:
            self._remove_damaged(error)
            return self._open_current(but)

    def _open_current(self, but: SegmentFile | None) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        con = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            con.execute("PRAGMA synchronous = NORMAL")
            self._bring_up_to_date(con, but)
        except BaseException:
            con.close()
            raise
        return con

    def _open_in_memory(self) -> sqlite3.Connection:
        con = sqlite3.connect(":memory:", isolation_level=None)
        self._bring_up_to_date(con)
        return con

    def _bring_up_to_date(self, con: sqlite3.Connection, but: SegmentFile | None = None) -> None:
        if con.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                con.execute(f"DROP TABLE {name}")
            con.executescript(_TABLES)
        if _list_changes(con, self._list_sealed(but)) == ([], []):
            return
        with _transaction(con):
            # listed again: what the index knows was sealed before, so that none of it seems to be gone
            gone, unknown = _list_changes(con, self._list_sealed(but))
            for name in gone:
                con.execute("DELETE FROM segment WHERE name = ?", [name])
                con.execute("DELETE FROM batch WHERE segment = ?", [name])
            for file in unknown:
                _read_segment(con, file)


@lru_cache(maxsize=64)
def _read_frames(index: LandingIndex, segment: str, _modified: int, _size: int) -> tuple[Frame, ...]:
    rows = index._read("SELECT frames FROM segment WHERE name = ?", [segment])
    return tuple(Frame(*numbers) for (text,) in rows for numbers in json.loads(text))


def _require_whole(rows: list[Any]) -> list[Any]:
    """Return the rows of an integrity check. Raises sqlite3.DatabaseError when they name damage."""
    if rows != [("ok",)]:
        raise sqlite3.DatabaseError(str(rows[0][0]).splitlines()[0])
    return rows


def _list_changes(con: sqlite3.Connection, segments: Sequence[SegmentFile]) -> tuple[list[str], list[SegmentFile]]:
    """Return the names of segments that are gone, and the segments that are not in the index or have changed."""
    known = dict(con.execute("SELECT name, size FROM segment"))
    stems = {file.stem for file in segments}
    gone = [name for name in known if name not in stems]
    return gone, [file for file in segments if known.get(file.stem) != file.measure()]


def _read_segment(con: sqlite3.Connection, file: SegmentFile) -> None:
    """Read a segment that is not in the index.

    A damaged one that was in it keeps its batches: reading such a batch fails, and its days are asked for again.
    """
    frames, lines = scan_sealed(file.path, file.stem)
    endings = [fields["ended"] for _, fields in lines if fields["kind"] == "sealed"]
    batch_lines = [fields for _, fields in lines if fields["kind"] == "batch"]
    if not endings:
        log.warning("%s has lost its end; what cannot be read from it is asked for again", file.path)
        numbers = {fields["number"] for fields in batch_lines}
        known = con.execute("SELECT line FROM batch WHERE segment = ?", [file.stem]).fetchall()
        batch_lines += [line for (text,) in known if (line := json.loads(text))["number"] not in numbers]
    _insert_segment(con, file, frames, batch_lines, ended=any(endings))


def _insert_segment(
    con: sqlite3.Connection,
    file: SegmentFile,
    frames: Sequence[Frame],
    batch_lines: Iterable[Mapping[str, Any]],
    *,
    ended: bool,
) -> None:
    con.execute("DELETE FROM batch WHERE segment = ?", [file.stem])
    con.execute(
        "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?)",
        [file.stem, file.measure(), json.dumps(frames), ended],
    )
    rows = (
        (fields["number"], fields["stream"], *fields["window"], file.stem, line, zlib.crc32(line.encode()))
        for fields in batch_lines
        for line in [json.dumps(fields, ensure_ascii=False)]
    )
    con.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


@contextmanager
def _transaction(con: sqlite3.Connection) -> Iterator[None]:
    con.execute("BEGIN IMMEDIATE")
    with con:
        yield
