"""The keys of the configuration file beside landing, warehouse, defaults and accounts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors import redaction
from extractors.errors import ConfigError
from extractors.redaction import redact
from pipelines.configuration import config as configuration
from pipelines.configuration.config import Config

HOOK = "https://hooks.example.com/services/T0/B0/not-a-real-hook"
ACCOUNT = {"name": "acme", "provider": "inkeep", "api_key": "${ACME_KEY}"}


class Folder:
    def __init__(self, path: Path) -> None:
        self.file = path / "chatmart.yaml"

    def read(self, **document: Any) -> Config:
        self.file.write_text(yaml.safe_dump({"accounts": [ACCOUNT], **document}))
        return configuration.load_config(self.file)

    def problems(self, **document: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.read(**document)
        return caught.value.problems


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(redaction, "_secrets", set())
    monkeypatch.setenv("ACME_KEY", "fake-key-from-the-environment")
    monkeypatch.setenv("HOOK", HOOK)
    return Folder(tmp_path)


def test_what_is_left_out(folder: Folder) -> None:
    operating = folder.read().settings
    assert operating.catch_up_days == 35
    assert operating.alerts.webhook is None
    assert (operating.retention.landing_days, operating.retention.dagster_days) == (None, 90)
    assert operating.owners == ()


def test_all_of_it(folder: Folder) -> None:
    config = folder.read(
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


def test_the_webhook_is_a_secret(folder: Folder) -> None:
    assert folder.problems(alerts={"webhook": HOOK}) == [
        "chatmart.yaml: alerts.webhook: is a secret and stands here in plain; write ${VARIABLE} and set the variable"
    ]
    config = folder.read(alerts={"webhook": "${HOOK}"})
    assert redact(f"to {HOOK}") == "to [redacted]"
    assert HOOK not in repr(config)


@pytest.mark.parametrize("wrong", ["not-a-real-hook", "ftp://h/x", "https://", "http://host:0/x", "http://[broken/x"])
def test_the_webhook_is_an_address(folder: Folder, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("HOOK", wrong)
    assert folder.problems(alerts={"webhook": "${HOOK}"}) == [
        "chatmart.yaml: alerts.webhook: a webhook is an address that begins with https:// (or http://) and a host name"
    ]


def test_what_is_wrong_is_named_all_at_once(folder: Folder) -> None:
    told = folder.problems(
        schedule={"providers": {"clippy": {"hour": 5}, "inkeep": {"hour": 24, "day": 1}}},
        catch_up_days=-1,
        retention={"landing_days": 0},
        owners=["somebody"],
    )
    assert {problem.split(": ")[1] for problem in told} == {
        "schedule.providers.clippy.[key]",
        "schedule.providers.inkeep.hour",
        "schedule.providers.inkeep.day",
        "catch_up_days",
        "retention.landing_days",
        "owners.0",
    }
    assert any("known: cognigy" in problem for problem in told)
