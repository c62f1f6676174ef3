"""The manifest of a Parquet lake: the files of each table, as of one commit.

A lake has two manifests: the loader's, which every commit replaces, and the published one, by which readers see a whole
commit. Each is replaced atomically, and begins with the SHA-256 of what follows. What must not come in: SQL, the
content of the files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from warehouse.errors import UnreadableWarehouse
from warehouse.storage.files import PRIVATE_FILE, write_into_place

UNPARTITIONED = ""
"""The month of a table without months: it is one file."""

_FORMAT = 2
_FORMAT_WITHOUT_CHECKSUM = 1
_HEAD = re.compile(rb'\{\n "sha256": "([0-9a-f]{64})",')


class WrongChecksum(ValueError):
    """The bytes of a manifest are not those that were written."""


@dataclass(frozen=True)
class DataFile:
    """One file of a table, by its name in the folder of versions, with its rows, its size in bytes and its SHA-256.

    Files of lakes before format 2 have no SHA-256.
    """

    file: str
    rows: int
    bytes: int
    sha256: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The files of each table, by month (`YYYY-MM`, or `UNPARTITIONED`), after `commits` commits.

    `create_statements` are the statements that create the tables of this schema version: a table without rows has no
    file to read its columns from. An empty lake has schema version 0.
    """

    schema_version: int = 0
    commits: int = 0
    tables: Mapping[str, Mapping[str, DataFile]] = field(default_factory=dict)
    create_statements: Mapping[str, str] = field(default_factory=dict)

    def data_file(self, table: str, month: str) -> DataFile | None:
        """Return the file of one table and month; None when there is none."""
        return self.tables.get(table, {}).get(month)

    def data_files(self) -> Iterator[tuple[str, str, DataFile]]:
        """Yield every file, with its table and month."""
        for table, months in self.tables.items():
            for month, file in months.items():
                yield table, month, file

    def paths(self, versions: Path) -> dict[str, dict[str, Path]]:
        """Return the path of every file, by table and month; `versions` is their folder."""
        return {
            table: {month: versions / file.file for month, file in months.items()}
            for table, months in self.tables.items()
        }

    def file_names(self) -> set[str]:
        """Return the names of all files."""
        return {file.file for _, _, file in self.data_files()}

    def with_data_files(self, files: Mapping[tuple[str, str], DataFile]) -> "Manifest":
        """Return the manifest of the next commit, in which these files, by table and month, replace earlier ones."""
        tables = {table: dict(months) for table, months in self.tables.items()}
        for (table, month), file in files.items():
            tables.setdefault(table, {})[month] = file
        return replace(self, commits=self.commits + 1, tables=tables)

    def save(self, path: Path, mode: int = PRIVATE_FILE) -> None:
        """Write the manifest to `path`, atomically and durably, as a file of this mode."""
        document = {
            "format": _FORMAT,
            "schema_version": self.schema_version,
            "commits": self.commits,
            "declared": dict(self.create_statements),
            "tables": {
                table: {month: vars(file) for month, file in sorted(months.items())}
                for table, months in sorted(self.tables.items())
            },
        }
        content = json.dumps(document, indent=1).encode().removeprefix(b"{")
        write_into_place(path, f'{{\n "sha256": "{sha256(content).hexdigest()}",'.encode() + content, mode)

    @classmethod
    def load(cls, path: Path) -> "Manifest | None":
        """Return the manifest at `path`; None when there is none. Raises UnreadableWarehouse for a damaged one."""
        try:
            content = path.read_bytes()
            document: dict[str, Any] = json.loads(content)
            if document["format"] != _FORMAT_WITHOUT_CHECKSUM or "sha256" in document:
                _require_checksum(content)
            tables = {
                table: {month: DataFile(**file) for month, file in months.items()}
                for table, months in document["tables"].items()
            }
            return cls(int(document["schema_version"]), int(document["commits"]), tables, document["declared"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableWarehouse(
                f"{path} cannot be read as a lake's manifest ({type(error).__name__}). Move the lake away; a replay "
                "rebuilds everything from the landing zone."
            ) from error


def _require_checksum(content: bytes) -> None:
    head = _HEAD.match(content)
    if head is None or sha256(content[head.end() :]).hexdigest().encode() != head[1]:
        raise WrongChecksum
