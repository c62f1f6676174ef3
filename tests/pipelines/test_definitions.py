import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from extractors.errors import ConfigError
from pipelines.definitions import build_definitions
from sandbox.accounts import DEMO_ACCOUNTS
from tests.pipelines.conftest import Orchestrated

ROOT = Path(__file__).parents[2]
EVERYONE = tuple(account.name for account in DEMO_ACCOUNTS)
PROVIDERS = ("chatcaptain", "chatdash", "chatlayer", "cognigy", "inkeep")
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


def test_every_asset_job_schedule_and_sensor_by_name(orchestrate: Callable[..., Orchestrated]) -> None:
    repository = build_definitions(orchestrate(*EVERYONE).config).get_repository_def()
    assets = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert assets == {
        *(f"{provider}/{asset}" for provider in PROVIDERS for asset in ("landing", "slices")),
        *(f"star/{table}" for table in STAR),
    }
    jobs = {f"load_{provider}" for provider in PROVIDERS} | {"check_star", "maintain"}
    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == jobs
    assert {schedule.name for schedule in repository.schedule_defs} == {f"{job}_daily" for job in jobs}
    assert {sensor.name for sensor in repository.sensor_defs} == {"look_at_star_after_loads", "alert_of_failed_runs"}


def test_every_check_by_name(orchestrate: Callable[..., Orchestrated]) -> None:
    repository = build_definitions(orchestrate("acme-support").config).get_repository_def()
    checks = {f"{key.asset_key.to_user_string()}:{key.name}" for key in repository.asset_graph.asset_check_keys}
    assert checks == {
        "cognigy/landing:every_account_landed",
        "cognigy/slices:every_slice_present",
        "cognigy/slices:totals_reconcile",
        *(f"star/{table}:grain_is_unique" for table in STAR if table != "published"),
        *(f"star/{table}:every_key_is_described" for table in STAR if table.startswith("fact_")),
        "star/fact_channel_daily:channels_are_known",
        "star/published:every_account_is_fresh",
        "star/published:every_slice_present",
    }


def test_a_provider_without_accounts_has_no_assets(orchestrate: Callable[..., Orchestrated]) -> None:
    graph = build_definitions(orchestrate("acme-docs").config).get_repository_def().asset_graph
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {"inkeep", "star"}


def test_every_asset_says_what_it_is_and_where_it_belongs(orchestrate: Callable[..., Orchestrated]) -> None:
    for spec in build_definitions(orchestrate(*EVERYONE).config).resolve_all_asset_specs():
        assert spec.description
        assert spec.group_name == spec.key.path[0]
        assert spec.kinds


def test_no_secret_reaches_the_definitions(orchestrate: Callable[..., Orchestrated]) -> None:
    defs = build_definitions(orchestrate(*EVERYONE).config)
    seen = repr([(spec.metadata, spec.tags, spec.description) for spec in defs.resolve_all_asset_specs()])
    for account in DEMO_ACCOUNTS:
        assert account.name in seen
        for secret in account.credential.split(":"):
            assert secret not in seen


def test_the_module_loads_without_a_configuration_and_says_what_to_do(tmp_path: Path) -> None:
    program = "from pipelines.definitions import defs; print(*defs.resolve_all_asset_specs())"
    done = _python(program, tmp_path, {})
    assert done.returncode == 0, done.stderr
    assert "configuration_is_missing" in done.stdout
    assert f"Write `{tmp_path}/chatmart.yaml`" in done.stdout


@pytest.mark.parametrize("text", [None, "accounts: []"])
def test_a_configuration_that_is_named_and_wrong_is_an_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "named.yaml"
    if text:
        path.write_text(text)
    done = _python("import pipelines.definitions", tmp_path, {"CHATMART_CONFIG": str(path)})
    assert done.returncode == 1
    assert f"{ConfigError.__name__}: " in done.stderr
    assert "named.yaml" in done.stderr


def test_the_instance_settings_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    program = """
import dagster as dg
with dg.DagsterInstance.get() as instance:
    pools = instance.get_concurrency_config().pool_config
    print(instance.telemetry_enabled, instance.nux_enabled, instance.run_monitoring_enabled)
    print(pools.pool_granularity.value, pools.default_pool_limit)
    print(instance.run_retries_max_retries, instance.run_retries_retry_on_asset_or_op_failure)
"""
    done = _python(program, tmp_path, {"DAGSTER_HOME": str(tmp_path)})
    assert done.stdout.split() == ["False", "False", "True", "op", "1", "2", "False"], done.stderr


def _python(program: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("CHATMART_CONFIG", "DAGSTER_HOME")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
