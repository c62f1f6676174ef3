"""The manifest of a Parquet lake: which file is which part of which table, as of one commit.

What must not come in: SQL, what is in the files. Two manifests stand in a lake, each written whole or not at all: the
loader's, which each commit replaces, and the published one, which readers take for a whole commit.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from warehouse.errors import UnreadableWarehouse
from warehouse.storage.files import write_into_place

UNPARTITIONED = ""
"""The part of a table that is one file."""

_FORMAT = 1


@dataclass(frozen=True)
class DataFile:
    """One file of a table, named as it lies in the folder of versions."""

    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The parts of each table, by month (`YYYY-MM`, or `WHOLE`), after some commits. An empty lake is version 0.

    `declared` holds the statement that makes each table of this version, which no file tells of a table without rows.
    """

    schema_version: int = 0
    commits: int = 0
    tables: Mapping[str, Mapping[str, DataFile]] = field(default_factory=dict)
    create_statements: Mapping[str, str] = field(default_factory=dict)

    def data_file(self, table: str, month: str) -> DataFile | None:
        """The file of one part, None when there is none."""
        return self.tables.get(table, {}).get(month)

    def data_files(self) -> Iterator[tuple[str, str, DataFile]]:
        """Every file, with its table and month."""
        for table, months in self.tables.items():
            for month, part in months.items():
                yield table, month, part

    def file_names(self) -> set[str]:
        """The names of all files."""
        return {part.file for _, _, part in self.data_files()}

    def with_data_files(self, parts: Mapping[tuple[str, str], DataFile]) -> "Manifest":
        """The manifest of the next commit, in which these parts take the place of those before."""
        tables = {table: dict(months) for table, months in self.tables.items()}
        for (table, month), part in parts.items():
            tables.setdefault(table, {})[month] = part
        return replace(self, commits=self.commits + 1, tables=tables)

    def save(self, path: Path) -> None:
        """Write it in place of the one before, durably."""
        told = {
            "format": _FORMAT,
            "schema_version": self.schema_version,
            "commits": self.commits,
            "declared": dict(self.create_statements),
            "tables": {
                table: {month: vars(part) for month, part in sorted(months.items())}
                for table, months in sorted(self.tables.items())
            },
        }
        write_into_place(path, json.dumps(told, indent=1).encode())

    @classmethod
    def load(cls, path: Path) -> "Manifest | None":
        """The manifest at `path`, None when there is none. Raises UnreadableWarehouse for a damaged one."""
        try:
            told: dict[str, Any] = json.loads(path.read_bytes())
            tables = {
                table: {month: DataFile(**part) for month, part in months.items()}
                for table, months in told["tables"].items()
            }
            return cls(int(told["schema_version"]), int(told["commits"]), tables, told["declared"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableWarehouse(
                f"{path} cannot be read as a lake's manifest ({type(error).__name__}). Move the lake away; a replay "
                "rebuilds everything from the landing zone."
            ) from error
