"""A Dagster instance that takes the events of a range of partitions in batches, also where its state is in SQLite.

Dagster hands batches to ``EventLogStorage.store_event_batch`` where ``DAGSTER_EVENT_BATCH_SIZE`` is set. Its storage in
SQLite then writes each event alone, in three transactions and five new connections: 13 ms per day and asset. Here a
batch is two transactions. Which events are written is not decided here. Files and tables stay Dagster's own, so that a
home can be opened with and without this class, and a storage that ``dagster.yaml`` names is left as it is.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

BATCH_SIZE_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
EVENTS_PER_BATCH = 500

_BATCHED_KINDS = frozenset(
    {
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_OBSERVATION,
    }
)


class BatchingSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite, with a batch stored in one transaction for the run and one for the index."""

    @classmethod
    def beside(cls, storage: SqliteEventLogStorage) -> Self:
        """Return a storage that batches, over the files of ``storage``."""
        return cls(str(Path(storage.path_for_shard("index")).parent))

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of any runs and assets, in their order.

        Neighbours of one run, kind and asset share the transactions. The rows are those of events stored one by one.
        """
        for (run_id, kind, _), group in groupby(events, _batch_key):
            entries = list(group)
            if kind in _BATCHED_KINDS:
                self._store_asset_events(run_id, entries)
                continue
            for entry in entries:
                self.store_event(entry)

    def _store_asset_events(self, run_id: str, entries: Sequence[dg.EventLogEntry]) -> None:
        insert = SqlEventLogStorageTable.insert()
        rows = [self._event_to_row(entry) for entry in entries]
        if run_id != RUNLESS_RUN_ID:
            with self.run_connection(run_id) as con:
                con.execute(insert, rows)
        with self.index_transaction() as con:
            returning = insert.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
            event_ids = con.execute(returning, rows).scalars().all()
            self._store_asset_event_tags(con, entries, event_ids)
            self._store_asset_event(con, entries[-1], event_ids[-1])  # Dagster keeps an asset's last event there


class BatchingSqliteStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite, with an event log that batches."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchingSqliteEventLogStorage.beside(self._event_log_storage)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Build the storage from Dagster's settings."""
        return cls.from_local(inst_data=inst_data, **config_value)


class BatchingInstance(dg.DagsterInstance):
    """The instance that ``instance_class`` in ``dagster.yaml`` names.

    Creating it asks Dagster for batches, in this process and those that it starts, unless
    ``DAGSTER_EVENT_BATCH_SIZE`` is set. Where ``dagster.yaml`` names no storage, the state is in SQLite files at
    Dagster's usual places.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        os.environ.setdefault(BATCH_SIZE_VARIABLE, str(EVENTS_PER_BATCH))

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return the settings that only this class has: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Return Dagster's defaults for a home, with the storage that batches."""
        settings = yaml.safe_dump({"base_dir": base_dir})
        storage = ConfigurableClassData(__name__, BatchingSqliteStorage.__name__, settings)
        return {**InstanceRef.config_defaults(base_dir), "storage": storage}


def _batch_key(entry: dg.EventLogEntry) -> tuple[str, dg.DagsterEventType | None, dg.AssetKey | None]:
    event = entry.get_dagster_event()
    return entry.run_id, event.event_type, event.asset_key
