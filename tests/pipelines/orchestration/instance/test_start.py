"""The start of Dagster beside a warehouse that was loaded without it."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import pytest

from extractors.errors import ConfigError
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance.home import HOME_VARIABLE, home_folder, prepare_home
from pipelines.orchestration.instance.start import prepare_storage, record_loaded_days
from tests.pipelines.conftest import DagsterProject
from tests.support.installation import days_from

DAYS = tuple(days_from(date(2025, 3, 1), 3))


@pytest.fixture(autouse=True)
def _clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)


def test_loaded_days_are_shown_at_the_first_start_and_recorded_once(
    build_dagster_project: Callable[..., DagsterProject], capsys: pytest.CaptureFixture[str]
) -> None:
    project = build_dagster_project("acme-support", "acme-docs", first=DAYS[0])
    workspace = Workspace.open(project.config)
    [account] = project.config.select_accounts(["acme-support"])
    run_jobs(workspace, [LoadJob(account, DAYS)])
    prepare_home(project.config)
    prepare_storage(project.config)
    assert (record_loaded_days(workspace), record_loaded_days(workspace)) == (len(DAYS), 0)
    with dg.DagsterInstance.from_config(str(home_folder(project.config))) as instance:
        for name in ("landing", "slices"):
            assert instance.get_materialized_partitions(dg.AssetKey(["cognigy", name])) == set(map(str, DAYS))
        assert not instance.get_materialized_partitions(dg.AssetKey(["inkeep", "slices"]))
    assert capsys.readouterr().out == ""


def test_a_start_before_the_first_load_and_one_beside_a_damaged_warehouse_go_on(
    build_dagster_project: Callable[..., DagsterProject], caplog: pytest.LogCaptureFixture
) -> None:
    project = build_dagster_project("acme-support", begun=False)
    assert record_loaded_days(Workspace.open(project.config)) == 0
    assert caplog.messages == []
    (project.installation.folder / "data").mkdir(exist_ok=True)
    (project.installation.folder / "data/warehouse.duckdb").write_text("no database")
    assert record_loaded_days(Workspace.open(project.config)) == 0
    assert "the loaded days were not recorded in Dagster" in caplog.text


def test_a_database_that_refuses_is_named(
    build_dagster_project: Callable[..., DagsterProject], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = build_dagster_project("acme-support")
    folder = home_folder(project.config)
    prepare_home(project.config)
    (folder / "history").mkdir()
    (folder / "history/runs.db").write_text("no database, but a text of some length" * 100)
    with pytest.raises(ConfigError, match=rf"the database of Dagster's home {folder} cannot be used: .*database"):
        prepare_storage(project.config)
