"""A data file of the Delta table, and the parts of its name. What must not come in: the log, where the file lies."""

from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class LakeFile:
    """A data file in the log: its name below the table's address, its size, its rows, and its statistics as JSON.

    >>> file = LakeFile("_table=drift/_month=2025-03/s00002-of-00004-v00005-1f.parquet", 370, 5)
    >>> (file.table, file.period, file.shard, file.shards, file.schema_version)
    ('drift', '2025-03', 2, 4, 5)
    """

    name: str
    bytes: int
    rows: int
    statistics: str = field(default="", compare=False)

    @property
    def table(self) -> str:
        """The table that the rows belong to."""
        return self.name.split("/")[0].partition("=")[2]

    @property
    def period(self) -> str:
        """The month of the rows, `YYYY-MM`; the year, `YYYY`, of merged months; or `all`."""
        return self.name.split("/")[1].partition("=")[2]

    @property
    def shard(self) -> int:
        """The shard of accounts that the rows belong to."""
        return int(self._part(0).removeprefix("s"))

    @property
    def shards(self) -> int:
        """The number of shards of the table."""
        return int(self._part(2))

    @property
    def schema_version(self) -> int:
        """The schema version of the columns."""
        return int(self._part(3).removeprefix("v"))

    @property
    def sha256(self) -> str:
        """The hash of the file's content."""
        return self._part(5).removesuffix(".parquet")

    def _part(self, number: int) -> str:
        return self.name.split("/")[2].split("-")[number]


@dataclass(frozen=True)
class FileNames:
    """The names of new files, which say all that a reader of the log must know of the table before it opens a file."""

    shards: int
    schema_version: int

    def new_name(self, table: str, period: str, shard: int) -> str:
        """Return a name that no file has, for a file without its hash yet."""
        name = f"s{shard:05d}-of-{self.shards:05d}-v{self.schema_version:05d}-{uuid4().hex}.parquet"
        return f"_table={table}/_month={period}/{name}"


def name_with_hash(name: str, sha256: str) -> str:
    """Return the final name of a new file, whose content has this hash."""
    return f"{name.removesuffix('.parquet')}-{sha256}.parquet"
