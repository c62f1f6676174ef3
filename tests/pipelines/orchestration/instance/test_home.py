"""Dagster's home: its folder, its settings, and whether an instance exists."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster._core.instance.config import dagster_instance_config

from extractors.errors import ConfigError
from pipelines.configuration.config import Config
from pipelines.configuration.settings import Schedule
from pipelines.orchestration.instance.home import (
    HOME_VARIABLE,
    POSTGRES_VARIABLE,
    has_instance,
    home_folder,
    prepare_home,
)

URL = "postgresql://dagster:not-a-password@db/dagster"


@pytest.fixture(autouse=True)
def _clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (HOME_VARIABLE, POSTGRES_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path / "chatmart.yaml", tmp_path / "landing", "duckdb://w.duckdb", Schedule(), ())


def read_settings(home: Path) -> dict[str, Any]:
    """Return the settings as Dagster parses them; it raises an error for invalid ones."""
    return dict(dagster_instance_config(str(home))[0])


def test_the_home_is_beside_the_configuration(config: Config) -> None:
    assert prepare_home(config) == {HOME_VARIABLE: str(config.folder / ".dagster")}
    settings = read_settings(home_folder(config))
    assert settings["telemetry"] == {"enabled": False}
    assert "storage" not in settings


def test_a_home_that_the_environment_names_is_left_as_it_is(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    own = config.folder / "own"
    monkeypatch.setenv(HOME_VARIABLE, str(own))
    assert prepare_home(config) == {HOME_VARIABLE: str(own)}
    assert not own.exists()
    assert not (config.folder / ".dagster").exists()


@pytest.mark.parametrize(("name", "is_misread"), [("a?b", True), ("a%20b", True), ("100% #1 [x]*", False)])
def test_a_home_that_dagster_would_misplace_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch, name: str, is_misread: bool
) -> None:
    below = replace(config, path=config.folder / name / "chatmart.yaml")
    below.folder.mkdir()
    if not is_misread:
        assert prepare_home(below) == {HOME_VARIABLE: str(below.folder / ".dagster")}
        return
    with pytest.raises(ConfigError, match=r"cannot be Dagster's home, .*: set DAGSTER_HOME to another folder"):
        prepare_home(below)
    assert list(below.folder.iterdir()) == []
    monkeypatch.setenv(HOME_VARIABLE, str(config.folder / "own"))
    assert prepare_home(below) == {HOME_VARIABLE: str(config.folder / "own")}


def test_state_is_kept_in_postgresql_where_an_address_is_set(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, URL)
    variables = prepare_home(config)
    assert variables[POSTGRES_VARIABLE] == "postgresql+psycopg2://dagster:not-a-password@db/dagster"
    settings = read_settings(home_folder(config))
    assert settings["storage"] == {"postgres": {"postgres_url": {"env": POSTGRES_VARIABLE}}}
    assert settings["concurrency"]["pools"]["granularity"] == "op"
    assert "not-a-password" not in (home_folder(config) / "dagster.yaml").read_text()
    monkeypatch.delenv(POSTGRES_VARIABLE)
    prepare_home(config)
    assert "storage" not in read_settings(home_folder(config))


def test_a_missing_driver_is_a_configuration_error(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, URL)
    monkeypatch.setattr("pipelines.orchestration.instance.home.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'chatmart\[postgres\]'"):
        prepare_home(config)


def test_an_instance_exists_when_dagster_was_started_or_keeps_its_state_elsewhere(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_instance(config)
    prepare_home(config)
    assert not has_instance(config)
    monkeypatch.setenv(POSTGRES_VARIABLE, URL)
    prepare_home(config)
    assert has_instance(config)
    monkeypatch.delenv(POSTGRES_VARIABLE)
    prepare_home(config)
    (home_folder(config) / "history").mkdir()
    (home_folder(config) / "history" / "runs.db").touch()
    assert has_instance(config)
