"""The manifest of a Parquet lake: the files of each table, as of one commit.

A lake has two manifests: the loader's, which every commit replaces, and the published one, by which readers see a whole
commit. Each is replaced atomically. What must not come in: SQL, the content of the files.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from warehouse.errors import UnreadableWarehouse
from warehouse.storage.files import PRIVATE_FILE, write_into_place

UNPARTITIONED = ""
"""The month of a table without months: it is one file."""

_FORMAT = 1


@dataclass(frozen=True)
class DataFile:
    """One file of a table, by its name in the folder of versions, with its rows and its size in bytes."""

    file: str
    rows: int
    bytes: int


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
        write_into_place(path, json.dumps(document, indent=1).encode(), mode)

    @classmethod
    def load(cls, path: Path) -> "Manifest | None":
        """Return the manifest at `path`; None when there is none. Raises UnreadableWarehouse for a damaged one."""
        try:
            document: dict[str, Any] = json.loads(path.read_bytes())
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
