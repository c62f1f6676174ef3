"""Events stored in batches: the same rows and the same state of partitions as with Dagster's own storage."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from sqlalchemy import select

from pipelines.orchestration.build import build_definitions
from pipelines.orchestration.instance.batches import (
    BATCH_SIZE_VARIABLE,
    EVENTS_PER_BATCH,
    BatchingInstance,
    BatchingSqliteEventLogStorage,
)
from pipelines.orchestration.instance.home import POSTGRES_VARIABLE, render_settings
from sandbox.recorder import Fault
from tests.pipelines.conftest import DagsterProject
from tests.support.installation import days_from

DAYS = (date(2025, 2, 26), date(2025, 3, 3))
KEYS = (dg.AssetKey(["cognigy", "landing"]), dg.AssetKey(["cognigy", "slices"]))
VARYING_COLUMNS = {
    *("run_id", "last_run_id", "event", "last_materialization", "evaluation_event", "cached_status_data"),
    *("timestamp", "event_timestamp", "create_timestamp", "evaluation_event_timestamp", "migration_completed"),
    *("last_materialization_timestamp", "value"),
}
"""Ids of runs, instants, and texts with either in them: a tag's value is a hash of the run's id."""

Open = Callable[..., dg.DagsterInstance]


@pytest.fixture(autouse=True)
def _forget_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance that batches sets the variable for its process: it is restored after each test."""
    monkeypatch.setenv(BATCH_SIZE_VARIABLE, "0")
    monkeypatch.delenv(BATCH_SIZE_VARIABLE)


@pytest.fixture
def open_instance(tmp_path: Path) -> Iterator[Open]:
    """A function that opens a home, with this project's settings or with Dagster's defaults."""
    opened: list[dg.DagsterInstance] = []

    def open_home(name: str, *, with_batches: bool) -> dg.DagsterInstance:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text(render_settings() if with_batches else "telemetry: {enabled: false}\n")
        opened.append(dg.DagsterInstance.from_config(str(home)))
        return opened[-1]

    yield open_home
    for instance in opened:
        instance.dispose()


def read_tables(storage: SqliteEventLogStorage, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table, in the run's file and in the index, without what varies by run."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, connect in (("run", lambda: storage.run_connection(run_id)), ("index", storage.index_connection)):
        with connect() as con:
            for table in SqlEventLogStorageMetadata.sorted_tables:
                columns = [column for column in table.columns if column.name not in VARYING_COLUMNS]
                order = list(table.primary_key.columns) or columns
                rows[f"{name}.{table.name}"] = [
                    dict(row) for row in con.execute(select(*columns).order_by(*order)).mappings()
                ]
    return rows


def read_partition_state(project: DagsterProject, instance: dg.DagsterInstance) -> list[tuple[set[str], set[str]]]:
    """Return, by asset, the days that Dagster's page shows as materialised and as failed."""
    states = []
    graph = build_definitions(project.config).resolve_asset_graph()
    for key in KEYS:
        partitions = graph.get(key).partitions_def
        assert partitions
        cached = get_and_update_asset_status_cache_value(instance, key, partitions)
        assert cached
        materialized = cached.deserialize_materialized_partition_subsets(partitions)
        failed = cached.deserialize_failed_partition_subsets(partitions)
        states.append((set(materialized.get_partition_keys()), set(failed.get_partition_keys())))
    return states


def plan_events(run_id: str, days: Sequence[date]) -> list[dg.EventLogEntry]:
    """Return planned events of both assets, as Dagster hands them over at the start of a run."""
    return [
        dg.EventLogEntry(  # type: ignore[no-untyped-call]
            error_info=None,
            level=10,
            user_message="",
            run_id=run_id,
            timestamp=1.0,
            dagster_event=dg.DagsterEvent.build_asset_materialization_planned_event(
                "job", "step", AssetMaterializationPlannedData(key, partition=str(day))
            ),
        )
        for key in KEYS
        for day in days
    ]


@pytest.mark.parametrize("is_outage", [False, True])
def test_batches_leave_the_rows_and_states_that_single_events_leave(
    build_dagster_project: Callable[..., DagsterProject], open_instance: Open, tmp_path: Path, is_outage: bool
) -> None:
    tables, states = [], []
    for name, with_batches in (("single", False), ("batches", True)):
        project = build_dagster_project("acme-support")
        project.instance = open_instance(name, with_batches=with_batches)
        if is_outage:
            project.installation.sandbox.request_log.plan_faults(Fault(path="month=2", status=400))
        refetch = {"ops": {"cognigy__landing": {"config": {"refetch": True}}}}
        result = project.run_job("load_cognigy", DAYS, refetch)
        assert result.success is not is_outage
        storage = project.instance.event_log_storage
        assert isinstance(storage, SqliteEventLogStorage)
        assert isinstance(storage, BatchingSqliteEventLogStorage) is with_batches
        tables.append(read_tables(storage, result.run_id))
        states.append(read_partition_state(project, project.instance))
    assert tables[0] == tables[1]
    assert len(tables[1]["index.event_logs"]) > 4 * 6 - 2 * is_outage
    assert states[0] == states[1]
    days = {str(day) for day in days_from(DAYS[0], 6)}
    failed = {str(day) for day in days_from(DAYS[0], 3)} if is_outage else set()
    assert states[1][1] == (days - failed, failed)


def test_no_event_of_a_partition_is_stored_alone(
    build_dagster_project: Callable[..., DagsterProject], open_instance: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[dg.EventLogEntry] = []
    store_event = SqliteEventLogStorage.store_event

    def note_and_store(storage: SqliteEventLogStorage, event: dg.EventLogEntry) -> None:
        alone.append(event)
        store_event(storage, event)

    monkeypatch.setattr(SqliteEventLogStorage, "store_event", note_and_store)
    project = build_dagster_project("acme-support")
    project.instance = open_instance("home", with_batches=True)
    assert project.run_job("load_cognigy", DAYS).success
    assert len(project.materialized_partitions("cognigy/slices")) == 6
    assert alone
    assert [event for event in alone if event.dagster_event and event.dagster_event.partition] == []


def test_a_batch_that_cannot_be_stored_loses_no_event(
    build_dagster_project: Callable[..., DagsterProject],
    open_instance: Open,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_arguments: object) -> None:
        raise RuntimeError("database is locked")

    monkeypatch.setattr(BatchingSqliteEventLogStorage, "_store_asset_events", refuse)
    project = build_dagster_project("acme-support")
    project.instance = open_instance("home", with_batches=True)
    assert project.run_job("load_cognigy", DAYS).success
    assert len(project.materialized_partitions("cognigy/slices")) == 6
    assert "database is locked" in capsys.readouterr().err


def test_a_home_can_be_opened_with_and_without_batches(open_instance: Open) -> None:
    for number, with_batches in enumerate((False, True, False, True)):
        instance = open_instance("home", with_batches=with_batches)
        assert isinstance(instance, BatchingInstance) is with_batches
        day = DAYS[0] + timedelta(number)
        instance.report_runless_asset_event(dg.AssetMaterialization(KEYS[0], partition=str(day)))
        assert len(instance.get_materialized_partitions(KEYS[0])) == number + 1
        instance.dispose()


def test_planned_events_of_several_assets_are_stored_in_their_order(open_instance: Open) -> None:
    storage = open_instance("home", with_batches=True).event_log_storage
    events = plan_events("some-run", days_from(DAYS[0], 3))
    mixed = [*events[:2], *events[3:5], *events[2:3], *events[5:]]
    storage.store_event_batch(mixed)
    stored = storage.get_records_for_run("some-run").records
    assert [record.event_log_entry for record in stored] == mixed
    for key in KEYS:
        planned = storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        assert {partition: run_id for partition, (run_id, _) in planned.items()} == {
            str(day): "some-run" for day in days_from(DAYS[0], 3)
        }


@pytest.mark.parametrize(("set_by_user", "expected"), [(None, str(EVENTS_PER_BATCH)), ("7", "7"), ("0", "0")])
def test_a_size_of_batches_that_the_user_sets_is_kept(
    open_instance: Open, monkeypatch: pytest.MonkeyPatch, set_by_user: str | None, expected: str
) -> None:
    if set_by_user:
        monkeypatch.setenv(BATCH_SIZE_VARIABLE, set_by_user)
    open_instance("home", with_batches=True)
    assert os.environ[BATCH_SIZE_VARIABLE] == expected


def test_a_storage_that_the_settings_name_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, "postgresql+psycopg2://dagster:not-a-password@db/dagster")
    (tmp_path / "dagster.yaml").write_text(render_settings())
    settings = InstanceRef.from_dir(str(tmp_path))
    assert settings.custom_instance_class is BatchingInstance
    assert settings.storage_data
    assert settings.storage_data.class_name == "DagsterPostgresStorage"
