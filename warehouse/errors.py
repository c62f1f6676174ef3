"""Every error of the warehouse, grouped by what to do about it.

What must not come in: messages about providers or requests. A store raises these and nothing else of its own.

    WarehouseError
    ├── StagedError               the staged data are wrong: nothing was written; correct the transform
    │   ├── StagedMismatch        columns or types differ from the declared staged table
    │   ├── DuplicateGrain        two rows for one grain
    │   ├── OutsideSlices         a row of a day that the chunk does not replace
    │   └── UnknownMember         a fact names a member that no dimension describes
    ├── SetupError                the program, the address or the file is wrong: change it, then run again
    │   ├── NewerWarehouse        written by a newer release
    │   ├── UnsupportedStore      no store for this address
    │   └── UnreadableWarehouse   the file is no warehouse, or damaged
    ├── QueryError                the SQL of a question is wrong: correct it
    ├── NothingPublished          nothing to read yet: load first
    └── WarehouseBusy             another writer holds the lock: run again later
"""


class WarehouseError(Exception):
    """Anything the warehouse refuses or cannot do."""


class StagedError(WarehouseError):
    """The staged data are wrong. Nothing was written."""


class StagedMismatch(StagedError):
    """A staged table's columns or types differ from the declaration."""


class DuplicateGrain(StagedError):
    """Two staged rows share one grain."""


class OutsideSlices(StagedError):
    """A staged row lies on a day that the chunk does not replace."""


class UnknownMember(StagedError):
    """A fact names a channel, language, country or metric that no dimension row describes."""


class SetupError(WarehouseError):
    """The program, the address or the file does not fit: running again changes nothing."""


class NewerWarehouse(SetupError):
    """The warehouse was written by a newer release than this one."""


class UnsupportedStore(SetupError):
    """No store answers to this address."""


class UnreadableWarehouse(SetupError):
    """The file at the warehouse's address cannot be opened as a warehouse."""


class QueryError(WarehouseError):
    """A question to the published warehouse that its engine refused."""


class NothingPublished(WarehouseError):
    """Nobody has published a warehouse at this address yet."""


class WarehouseBusy(WarehouseError):
    """Another writer held the lock for longer than this one may wait."""
