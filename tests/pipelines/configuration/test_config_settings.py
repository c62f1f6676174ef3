"""The settings of operation in the configuration file."""

import pytest

from extractors.errors import ConfigError
from extractors.redaction import redact
from pipelines.configuration.settings import cluster_address
from tests.pipelines.configuration.conftest import ConfigFolder

HOOK = "https://hooks.example.com/services/T0/B0/not-a-real-hook"


@pytest.fixture
def config_folder(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> ConfigFolder:
    """The folder, with the variable of a webhook."""
    monkeypatch.setenv("HOOK", HOOK)
    return config_folder


def test_the_defaults(config_folder: ConfigFolder) -> None:
    operating = config_folder.load().settings
    assert operating.catch_up_days == 35
    assert operating.alerts.webhook is None
    assert (operating.retention.landing_days, operating.retention.dagster_days) == (None, 90)
    assert operating.owners == ()


def test_all_settings(config_folder: ConfigFolder) -> None:
    config = config_folder.load(
        schedule={"hour": 4, "providers": {"inkeep": {"hour": 6}}},
        catch_up_days=10,
        alerts={"webhook": "${HOOK}"},
        retention={"landing_days": 400, "dagster_days": 30},
        owners=["team:data", "data@example.com"],
    )
    assert config.schedule.provider_time("inkeep").hour == 6
    assert config.settings.catch_up_days == 10
    assert config.settings.alerts.webhook is not None
    assert config.settings.alerts.webhook.get_secret_value() == HOOK
    assert (config.settings.retention.landing_days, config.settings.retention.dagster_days) == (400, 30)
    assert config.settings.owners == ("team:data", "data@example.com")


def test_the_webhook_is_a_secret(config_folder: ConfigFolder) -> None:
    assert config_folder.list_problems(alerts={"webhook": HOOK}) == [
        "chatmart.yaml: alerts.webhook: is a secret in plain text; write ${VARIABLE} and set the variable"
    ]
    config = config_folder.load(alerts={"webhook": "${HOOK}"})
    assert redact(f"to {HOOK}") == "to [redacted]"
    assert HOOK not in repr(config)


@pytest.mark.parametrize("wrong", ["not-a-real-hook", "ftp://h/x", "https://", "http://host:0/x", "http://[broken/x"])
def test_the_webhook_is_an_address(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("HOOK", wrong)
    assert config_folder.list_problems(alerts={"webhook": "${HOOK}"}) == [
        "chatmart.yaml: alerts.webhook: a webhook is an address that begins with https:// (or http://) and a host name"
    ]


def test_all_problems_are_named_at_once(config_folder: ConfigFolder) -> None:
    problems = config_folder.list_problems(
        schedule={"providers": {"clippy": {"hour": 5}, "inkeep": {"hour": 24, "day": 1}}},
        catch_up_days=-1,
        retention={"landing_days": 0},
        owners=["somebody"],
    )
    assert {problem.split(": ")[1] for problem in problems} == {
        "schedule.providers.clippy",
        "schedule.providers.inkeep.hour",
        "schedule.providers.inkeep.day",
        "catch_up_days",
        "retention.landing_days",
        "owners, item 1",
    }
    assert any("known: cognigy" in problem for problem in problems)


@pytest.mark.parametrize("executor", ["local", "dask://scheduler:8786", "dask+tls://10.0.0.1:1", "dask://[::1]:8786"])
def test_an_executor_is_this_process_or_a_scheduler(config_folder: ConfigFolder, executor: str) -> None:
    settings = config_folder.load(executor=executor, warehouse="delta://data/lake").settings
    assert settings.executor == executor
    assert (cluster_address(executor) is None) == (executor == "local")


@pytest.mark.parametrize("executor", ["dask", "tcp://scheduler:8786", "dask://scheduler", "dask://a:b@scheduler:8786"])
def test_an_executor_without_a_scheduler_is_refused(config_folder: ConfigFolder, executor: str) -> None:
    with pytest.raises(ConfigError, match="executor: an executor is local, or the scheduler of a cluster: dask://host"):
        config_folder.load(executor=executor, warehouse="delta://data/lake")


@pytest.mark.parametrize("warehouse", ["duckdb://data/warehouse.duckdb", "parquet://data/lake"])
def test_workers_need_a_warehouse_that_several_write(config_folder: ConfigFolder, warehouse: str) -> None:
    with pytest.raises(ConfigError, match=f"side by side, which {warehouse} is not for: set warehouse to delta"):
        config_folder.load(executor="dask://scheduler:8786", warehouse=warehouse)
