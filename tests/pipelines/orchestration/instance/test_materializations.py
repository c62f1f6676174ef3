"""Recording loads that ran outside Dagster, in an instance with real SQLite files."""

import shutil
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from extractors.windows import Window
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance import materializations
from pipelines.orchestration.instance.home import HOME_VARIABLE, home_folder, prepare_home, render_settings
from pipelines.orchestration.instance.materializations import record_materializations
from tests.pipelines.conftest import DagsterProject
from tests.support.installation import days_from

BOTH = ("acme-support", "globex-support")
DAYS = tuple(days_from(date(2025, 3, 1), 5))
ASSETS = ("landing", "slices")
Start = Callable[[DagsterProject], DagsterProject]


@pytest.fixture(autouse=True)
def _clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def started_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a Dagster that was started once: its files, without a run."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "dagster.yaml").write_text(render_settings())
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.get_runs_count()
    return folder


@pytest.fixture
def start_beside(started_home: Path) -> Start:
    """A function that makes a configuration look as if Dagster was started beside it once."""

    def start(bot: DagsterProject) -> DagsterProject:
        shutil.copytree(started_home, home_folder(bot.config))
        prepare_home(bot.config)
        return bot

    return start


def load(bot: DagsterProject, *names: str, days: tuple[date, ...] = DAYS, extra_window: Window | None = None) -> bool:
    workspace = Workspace.open(bot.config)
    jobs = [LoadJob(account, days) for account in bot.config.select_accounts(names)]
    result = run_jobs(workspace, jobs)
    failed = {
        outcome.account.name: dict.fromkeys(days, outcome.errors[0]) for outcome in result.outcomes if not outcome.is_ok
    }
    return record_materializations(workspace, jobs, failed, extra_window)


def read_partitions(bot: DagsterProject) -> list[set[str]]:
    with dg.DagsterInstance.from_config(str(home_folder(bot.config))) as instance:
        return [instance.get_materialized_partitions(dg.AssetKey(["cognigy", name])) for name in ASSETS]


def both_assets(*days: date) -> list[set[str]]:
    return [{str(day) for day in days}] * 2


def test_a_load_is_recorded_day_by_day(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start
) -> None:
    bot = start_beside(build_dagster_project(*BOTH))
    assert load(bot, *BOTH)
    assert read_partitions(bot) == both_assets(*DAYS)
    with dg.DagsterInstance.from_config(str(home_folder(bot.config))) as instance:
        latest = instance.get_latest_materialization_event(dg.AssetKey(["cognigy", "slices"]))
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.partition == str(DAYS[-1])
    assert latest.asset_materialization.metadata["accounts"].value == 2


def test_a_day_that_another_account_lacks_is_not_recorded(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start
) -> None:
    bot = start_beside(build_dagster_project(*BOTH))
    load(bot, "acme-support")
    assert read_partitions(bot) == both_assets()
    load(bot, "globex-support")
    assert read_partitions(bot) == both_assets(*DAYS)


def test_a_day_that_has_not_ended_is_not_recorded(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start
) -> None:
    bot = start_beside(build_dagster_project("acme-support"))
    today = datetime.now(bot.config.accounts[0].zone).date()
    load(bot, "acme-support", days=(today - timedelta(days=1), today))
    assert read_partitions(bot) == both_assets(today - timedelta(days=1))


def test_a_day_that_failed_is_not_recorded(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start
) -> None:
    bot = start_beside(build_dagster_project(*BOTH, bad=["globex-support"]))
    load(bot, *BOTH)
    assert read_partitions(bot) == both_assets()


def test_a_back_fill_also_records_days_that_were_loaded_before(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start
) -> None:
    bot = build_dagster_project(*BOTH)
    assert not load(bot, *BOTH)  # Dagster was never started here
    assert not home_folder(bot.config).exists()
    start_beside(bot)
    later = tuple(days_from(DAYS[-1] + timedelta(days=1), 2))
    load(bot, *BOTH, days=later, extra_window=Window(DAYS[0], later[-1] + timedelta(days=1)))
    assert read_partitions(bot) == both_assets(*DAYS, *later)


def test_an_instance_that_is_broken_only_warns(
    build_dagster_project: Callable[..., DagsterProject], start_beside: Start, caplog: pytest.LogCaptureFixture
) -> None:
    bot = start_beside(build_dagster_project("acme-support"))
    (home_folder(bot.config) / "dagster.yaml").write_text("storage: nonsense\n")
    assert not load(bot, "acme-support")
    assert "the loaded days were not recorded in Dagster" in caplog.text


def test_an_instance_that_does_not_respond_is_not_waited_for(
    build_dagster_project: Callable[..., DagsterProject],
    start_beside: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = start_beside(build_dagster_project("acme-support"))
    is_over = threading.Event()
    monkeypatch.setattr(materializations, "TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(materializations, "_try_record", lambda *_arguments: is_over.wait())
    try:
        assert not load(bot, "acme-support")
    finally:
        is_over.set()
    assert "within 0 seconds" in caplog.text
