"""Write materialisations into Dagster's storage in batches, for days that were loaded outside Dagster.

Which days are written is decided in ``instance.materializations`` and ``instance.start``, not here.
"""

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import dagster as dg
from dagster._core.events import StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.storage.event_log import EventLogStorage, SqliteEventLogStorage

from pipelines.configuration.config import Config
from pipelines.orchestration.instance.batches import EVENTS_PER_BATCH, BatchingSqliteEventLogStorage
from pipelines.orchestration.instance.home import dagster_environment, home_folder
from pipelines.orchestration.loaded_days import MetadataByDay

ASSETS = ("landing", "slices")


def write_materializations(
    config: Config, days_by_provider: Mapping[str, MetadataByDay], just_loaded: Mapping[str, Collection[date]]
) -> int:
    """Record days as materialised and return the number of events.

    These are the days that are ``just_loaded``, by provider, and days that Dagster does not know of. The newest batch
    is written first, so that an interruption loses the oldest days.
    """
    event_count = 0
    with open_instance(config) as instance:
        storage = _batching_storage(instance)
        for provider, days in days_by_provider.items():
            for name in ASSETS:
                key = dg.AssetKey([provider, name])
                known = instance.get_materialized_partitions(key)
                wanted = [day for day in days if day in just_loaded[provider] or day.isoformat() not in known]
                wanted.sort(reverse=True)
                for start in range(0, len(wanted), EVENTS_PER_BATCH):
                    batch = [  # the newest day last: Dagster shows the last event as the latest
                        dg.AssetMaterialization(key, partition=day.isoformat(), metadata=days[day])
                        for day in reversed(wanted[start : start + EVENTS_PER_BATCH])
                    ]
                    storage.store_event_batch([_build_entry(event) for event in batch])
                    event_count += len(batch)
    return event_count


@contextmanager
def open_instance(config: Config) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a configuration's home, which is created where there is none."""
    with (
        _set_environment(dagster_environment(config)),
        dg.DagsterInstance.from_config(str(home_folder(config))) as instance,
    ):
        yield instance


def _build_entry(materialization: dg.AssetMaterialization) -> dg.EventLogEntry:
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


def _batching_storage(instance: dg.DagsterInstance) -> EventLogStorage:
    """Return the instance's event log, also for a home whose settings do not ask for batches."""
    storage = instance.event_log_storage
    return BatchingSqliteEventLogStorage.beside(storage) if isinstance(storage, SqliteEventLogStorage) else storage


@contextmanager
def _set_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that Dagster's settings refer to, and restore them on exit."""
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
