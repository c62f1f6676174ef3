"""A data file of the Delta table, and the parts of its name. What must not come in: the log, where the file lies."""

from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class LakeFile:
    """A data file in the log: its name below the table's address, its size, its rows, and its statistics as JSON."""

    name: str
    bytes: int
    rows: int
    statistics: str = field(default="", compare=False)

    @property
    def table(self) -> str:
        """The table that the rows belong to."""
        return self.name.split("/")[0].partition("=")[2]

    @property
    def month(self) -> str:
        """The month of the rows, `YYYY-MM`, or `all`."""
        return self.name.split("/")[1].partition("=")[2]

    @property
    def shard(self) -> int:
        """The shard of accounts that the rows belong to."""
        return int(self.name.split("/")[2].partition("-")[0].removeprefix("s"))


def new_file_name(table: str, month: str, shard: int) -> str:
    """Return a name that no file has."""
    return f"_table={table}/_month={month}/s{shard:05d}-{uuid4().hex}.parquet"
