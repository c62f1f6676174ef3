"""Every error of the warehouse, grouped by the reaction that it needs.

A store raises these and nothing else of its own. What must not come in: messages about providers or requests.

    WarehouseError
    ├── StagedError               the staged data are wrong, nothing was written: correct the transform
    │   ├── StagedMismatch        columns or types differ from the declared staged table
    │   ├── DuplicateGrain        two rows for one grain
    │   ├── OutsideSlices         a row on a day that the chunk does not replace
    │   ├── UnknownMember         a fact names a member that no dimension describes
    │   └── OutdatedChunk         a person was forgotten after the rows were staged: stage them again
    ├── SetupError                the program, the address or the file is wrong: change it, then run again
    │   ├── NewerWarehouse        written by a newer release
    │   ├── UnsupportedStore      no kind of store has this address
    │   ├── LockedElsewhere       the writers of another machine, with other locks, write it
    │   └── UnreadableWarehouse   the file is no warehouse, or it is damaged
    ├── DamagedWarehouse          the loader's data were damaged and set aside: run again, what is published takes over
    ├── StorageFailed             the disk is full, read-only, without locks, or refuses access: mend it, then run again
    ├── QueryError                the SQL of a query is wrong: correct it
    ├── NothingPublished          nothing to read yet: load first
    └── WarehouseBusy             another writer holds the lock: run again later
"""


class WarehouseError(Exception):
    """The base of all errors of the warehouse."""


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


class OutdatedChunk(StagedError):
    """The staged rows may hold a person who was forgotten meanwhile: they must be staged again."""


class SetupError(WarehouseError):
    """The program, the address or the file is wrong: running again changes nothing."""


class NewerWarehouse(SetupError):
    """The warehouse was written by a newer release than this one."""


class UnsupportedStore(SetupError):
    """No kind of store has this address."""


class LockedElsewhere(SetupError):
    """The warehouse is written under the locks of another machine, or of another database."""


class UnreadableWarehouse(SetupError):
    """The file at the warehouse's address cannot be opened as a warehouse."""


class DamagedWarehouse(WarehouseError):
    """The loader's data were damaged, and are set aside: the next command goes on with what is published."""


class StorageFailed(WarehouseError):
    """The disk of the warehouse failed or refused access. What was committed before stays committed."""


class QueryError(WarehouseError):
    """The engine refused a query to the published warehouse."""


class NothingPublished(WarehouseError):
    """No warehouse was published at this address yet."""


class WarehouseBusy(WarehouseError):
    """Another writer held the lock for longer than this writer may wait."""
