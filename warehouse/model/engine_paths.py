"""The SQL of our own files: a path as DuckDB understands it, and the rows of a file with exactly its columns.

DuckDB reads `?`, `*` and `[` in a path as a pattern, also when a file of that very name exists, and a backslash as the
end of a folder's name; a folder called `type=prod` becomes a column. So every path goes through `path_literal`, and
every read of a file of ours through `parquet_rows_sql`, `parquet_pattern_sql` or `csv_rows_sql`. What must not come in:
a connection, a query, a path that a person typed in SQL.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from warehouse.model.literals import literal

_MISREAD = frozenset("?*[]\\") - {os.sep}

_lock = Lock()
_links: dict[tuple[int, Path], Path] = {}
"""Links by process and target. A forked child makes its own: the parent removes its links when it ends."""


def is_misread(text: str) -> bool:
    """Return whether DuckDB takes a part of this path for something else than the characters of a name.

    A name that is no UTF-8 (a lone surrogate in Python) cannot be given to DuckDB at all.
    """
    if not _MISREAD.isdisjoint(text):
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def engine_path(path: Path) -> str:
    """Return a path under which DuckDB opens exactly `path`; nearly always `path` itself.

    A file that DuckDB is to make must have a plain name itself. A misread path goes through a symbolic link to the
    folder (to the file, when its own name is misread), which this process makes in a temporary folder and removes when
    it ends. Raises OSError when no link can be made.
    """
    text = _decode(path)
    if not is_misread(text):
        return text
    path = path.absolute()
    name = _decode(Path(path.name))
    return str(_link(path)) if is_misread(name) else f"{_link(path.parent)}{os.sep}{name}"


def path_literal(path: Path) -> str:
    """Return the path of a file of ours as a SQL literal, for ATTACH, COPY and settings. Raises OSError."""
    return literal(engine_path(path))


def parquet_rows_sql(files: Iterable[Path]) -> str:
    """Return a SQL table of Parquet files with the columns of the first; the engine refuses a file that lacks one.

    So the engine need not open all files to know the columns, and can skip files by their figures. Raises OSError.
    """
    return _read_parquet_sql(map(path_literal, files))


def named_parquet_rows_sql(files: Iterable[Path]) -> str:
    """Return a SQL table as `parquet_rows_sql` does, with the path of each row's file as the column `filename`."""
    return _read_parquet_sql(map(path_literal, files), ", filename = true")


def parquet_pattern_sql(pattern: str) -> str:
    """Return a SQL table of the Parquet files of a pattern below the working directory, or the `file_search_path`.

    A column that a file lacks is NULL there: a reader may meet files of two releases. It holds in any DuckDB.

    >>> parquet_pattern_sql("dim_date/data.parquet")
    "read_parquet(['dim_date/data.parquet'], hive_partitioning = false, union_by_name = true)"
    """
    return _read_parquet_sql([literal(pattern)], ", union_by_name = true")


def csv_rows_sql(path: Path, options: str) -> str:
    """Return a SQL table of a CSV file with the columns that `options` declare; nothing is guessed from file or path.

    `options` are further arguments of DuckDB's `read_csv`, `columns` among them. Raises OSError.
    """
    return f"read_csv({path_literal(path)}, auto_detect = false, hive_partitioning = false, {options})"


def _read_parquet_sql(literals: Iterable[str], options: str = "") -> str:
    # Without the option, a folder called `conversations=1` anywhere above takes the place of the column.
    return f"read_parquet([{', '.join(literals)}], hive_partitioning = false{options})"


def _decode(path: Path) -> str:
    """Return a path as the UTF-8 that DuckDB needs, also where Python has read it as ASCII, in the locale C."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def _link(target: Path) -> Path:
    """Return this process's link to `target`. A link that somebody cleaned away is made again."""
    key = (os.getpid(), target)
    with _lock:
        link = _links.get(key)
        if link is None or not link.is_symlink():
            folder = tempfile.mkdtemp(prefix="chatmart-", dir=_plain_folder())
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            link = _links[key] = Path(folder) / "linked"
            link.symlink_to(target)
        return link


def _plain_folder() -> str:
    """Return a folder for temporary files whose path DuckDB reads as it stands."""
    folders = [tempfile.gettempdir(), "/tmp", "/var/tmp"]  # noqa: S108 - mkdtemp makes a private folder there
    for folder in folders:
        if not is_misread(folder) and os.access(folder, os.W_OK):
            return folder
    raise OSError(
        "DuckDB cannot open a path with ? * [ ] or \\ in it, and there is no folder for a link to it: "
        f"{', '.join(folders)} have such a path too or cannot be written. Set TMPDIR to a plain folder."
    )
