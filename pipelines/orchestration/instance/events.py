"""Writing materialisations of days into Dagster's storage, many at once, for days that were loaded without a run.

One event after the other costs two commits each. Here a few hundred share one, as Dagster itself does it on PostgreSQL.
"""

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import dagster as dg
from dagster._core.events import StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.configuration.config import Config
from pipelines.orchestration.instance.home import dagster_environment, home_folder
from pipelines.orchestration.loaded_days import MetadataByDay

AT_ONCE = 500
ASSETS = ("landing", "slices")


def write_materializations(
    config: Config, days: Mapping[str, MetadataByDay], loaded: Mapping[str, Collection[date]]
) -> int:
    """Record days, by provider, as materialised: those that were just ``loaded``, and those Dagster did not know of.

    Newest first, and whole batches only: what is cut short is the oldest. Returns the number of events.
    """
    events = 0
    with (
        _environment(dagster_environment(config)),
        dg.DagsterInstance.from_config(str(home_folder(config))) as instance,
    ):
        for provider, found in days.items():
            for name in ASSETS:
                key = dg.AssetKey([provider, name])
                known = instance.get_materialized_partitions(key)
                wanted = [day for day in found if day in loaded[provider] or day.isoformat() not in known]
                wanted.sort(reverse=True)
                for start in range(0, len(wanted), AT_ONCE):
                    batch = [  # the newest day last: it is what is shown as the latest
                        dg.AssetMaterialization(key, partition=day.isoformat(), metadata=found[day])
                        for day in reversed(wanted[start : start + AT_ONCE])
                    ]
                    _store(instance, [_entry(each) for each in batch])
                    events += len(batch)
    return events


def _entry(materialization: dg.AssetMaterialization) -> dg.EventLogEntry:
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name=RUNLESS_JOB_NAME,
        event_specific_data=StepMaterializationData(materialization),
    )
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level="INFO",
        user_message="",
        run_id=RUNLESS_RUN_ID,
        timestamp=time.time(),
        job_name=RUNLESS_JOB_NAME,
        dagster_event=event,
    )


def _store(instance: dg.DagsterInstance, entries: Sequence[dg.EventLogEntry]) -> None:
    """Store materialisations of one asset."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        storage.store_event_batch(entries)
        return
    with storage.index_transaction() as con:
        stored = [con.execute(storage.prepare_insert_event(entry)).inserted_primary_key for entry in entries]
    if stored[-1]:
        storage.store_asset_event(entries[-1], stored[-1][0])


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables as Dagster's settings refer to them, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
