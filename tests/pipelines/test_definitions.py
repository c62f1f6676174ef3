import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import dagster as dg
import pytest

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS
from pipelines import definitions
from pipelines.orchestration.build import build_definitions
from pipelines.orchestration.instance.home import SETTINGS_PATH
from pipelines.orchestration.view_assets import view_asset_key
from sandbox.accounts import SAMPLE_ACCOUNTS
from tests.pipelines.conftest import DagsterProject
from warehouse.ddl.views import view_queries

ROOT = Path(__file__).parents[2]
EVERYONE = tuple(account.name for account in SAMPLE_ACCOUNTS)
STAR = (
    "dim_account",
    "dim_channel",
    "dim_country",
    "dim_date",
    "dim_intent",
    "dim_language",
    "dim_metric",
    "fact_channel_daily",
    "fact_conversation",
    "fact_conversation_daily",
    "fact_conversation_intent",
    "fact_country_daily",
    "fact_flow_transition",
    "fact_intent_daily",
    "fact_language_daily",
    "fact_metric_daily",
    "fact_team_daily",
    "published",
)


def test_every_asset_job_schedule_and_sensor_by_name(build_dagster_project: Callable[..., DagsterProject]) -> None:
    repository = build_definitions(build_dagster_project(*EVERYONE).config).get_repository_def()
    assets = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert assets == {
        *(f"{provider}/{asset}" for provider in PROVIDERS for asset in ("landing", "slices")),
        *(f"star/{table}" for table in STAR),
        *(view_asset_key(view).to_user_string() for view in view_queries()),
    }
    jobs = {f"load_{provider}" for provider in PROVIDERS} | {"check_star", "maintain"}
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == jobs
    assert {schedule.name for schedule in repository.schedule_defs} == {f"{job}_daily" for job in jobs}
    assert {sensor.name for sensor in repository.sensor_defs} == {"look_at_star_after_loads", "alert_of_failed_runs"}


def test_every_check_by_name(build_dagster_project: Callable[..., DagsterProject]) -> None:
    repository = build_definitions(build_dagster_project("acme-support").config).get_repository_def()
    checks = {f"{key.asset_key.to_user_string()}:{key.name}" for key in repository.asset_graph.asset_check_keys}
    assert checks == {
        "cognigy/landing:every_account_landed",
        "cognigy/slices:every_slice_present",
        "cognigy/slices:totals_reconcile",
        *(f"star/{table}:grain_is_unique" for table in STAR if table != "published"),
        *(f"star/{table}:every_key_is_described" for table in STAR if table.startswith("fact_")),
        "star/fact_channel_daily:channels_are_known",
        "star/fact_conversation_daily:volumes_are_usual",
        "star/published:every_account_is_fresh",
        "star/published:every_slice_present",
    }


def test_a_provider_without_accounts_has_no_assets(build_dagster_project: Callable[..., DagsterProject]) -> None:
    graph = build_definitions(build_dagster_project("acme-docs").config).get_repository_def().asset_graph
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {"inkeep", "star", "views", "marts"}


def test_every_asset_says_what_it_is_and_where_it_belongs(build_dagster_project: Callable[..., DagsterProject]) -> None:
    for spec in build_definitions(build_dagster_project(*EVERYONE).config).resolve_all_asset_specs():
        assert spec.description
        assert spec.group_name == spec.key.path[0]
        assert spec.kinds


def test_no_secret_reaches_the_definitions(build_dagster_project: Callable[..., DagsterProject]) -> None:
    defs = build_definitions(build_dagster_project(*EVERYONE).config)
    seen = repr([(spec.metadata, spec.tags, spec.description) for spec in defs.resolve_all_asset_specs()])
    for account in SAMPLE_ACCOUNTS:
        assert account.name in seen
        for secret in account.credential.split(":"):
            assert secret not in seen


def test_the_module_loads_without_a_configuration_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)
    [spec] = load_module().resolve_all_asset_specs()
    assert spec.key.to_user_string() == "configuration_is_missing"
    assert f"Write `{tmp_path}/chatmart.yaml`" in str(spec.description)


@pytest.mark.parametrize("text", [None, "accounts: []"])
def test_a_configuration_that_is_named_and_wrong_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    path = tmp_path / "named.yaml"
    if text:
        path.write_text(text)
    monkeypatch.setenv("CHATMART_CONFIG", str(path))
    with pytest.raises(ConfigError, match=r"named\.yaml"):
        load_module()


@pytest.mark.long
def test_a_process_that_imports_the_module_ends_with_the_error(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CHATMART_CONFIG": str(tmp_path / "named.yaml")}
    command = [sys.executable, "-W", "error", "-c", "import pipelines.definitions"]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert f"{ConfigError.__name__}: " in process.stderr
    assert "named.yaml" in process.stderr


def test_an_installed_package_does_not_look_for_the_project_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "PROJECT_ROOT", tmp_path / ".venv/lib/python3.11/site-packages")
    (tmp_path / "pyproject.toml").write_text("[tool.dg]\ndirectory_type = 'project'\n")
    assert list(definitions.find_own_definitions().resolve_all_asset_specs()) == []


def test_the_instance_settings_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_bytes(SETTINGS_PATH.read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        pools = instance.get_concurrency_config().pool_config
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_monitoring_enabled
        assert (str(pools.pool_granularity.value), pools.default_pool_limit) == ("op", None)
        assert (instance.run_retries_max_retries, instance.run_retries_retry_on_asset_or_op_failure) == (2, False)


def load_module() -> dg.Definitions:
    """Load the module again and return its definitions; the imported module stays as it is."""
    spec = spec_from_file_location("definitions_loaded_anew", ROOT / "pipelines" / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    defs: dg.Definitions = module.defs
    return defs
