"""The schema for editors, held against the loader: what the one refuses the other does, as far as a schema can."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS, provider
from pipelines import config as configuration
from pipelines import config_schema

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads(config_schema.PATH.read_text("utf-8"))
COGNIGY = {"name": "acme", "provider": "cognigy", "project_id": "5f0c2f4e8a1b2c3d4e5f6a7b", "api_key": "${KEY}"}
CHATLAYER = {"name": "bot", "provider": "chatlayer", "bot_id": 17, "token_id": "${KEY}", "token_secret": "${KEY}"}


def refusals(document: Any) -> list[str]:
    told = json.loads(json.dumps(document, default=str))
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(told)]


def test_it_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert config_schema.main(["--check"]) == 0, "run `python -m pipelines.config_schema`"
    assert capsys.readouterr().err == ""


def test_it_is_written_and_its_age_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config_schema, "PATH", tmp_path / "chatmart.schema.json")
    assert config_schema.main(["--check"]) == 1
    assert "python -m pipelines.config_schema" in capsys.readouterr().err
    assert config_schema.main([]) == 0
    assert json.loads((tmp_path / "chatmart.schema.json").read_text()) == SCHEMA
    (tmp_path / "chatmart.schema.json").write_text("{}")
    assert config_schema.main(["--check"]) == 1


def test_the_example_names_it_and_is_valid() -> None:
    text = (ROOT / "chatmart.example.yaml").read_text("utf-8")
    name = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / name).resolve() == config_schema.PATH
    assert refusals(yaml.safe_load(text)) == []


def _described(schema: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            if path.rpartition("/")[2] != "if":
                yield f"{path}/{name}", each.get("description", "")
        for key, each in schema.items():
            yield from _described(each, f"{path}/{key}")
    elif isinstance(schema, list):
        for each in schema:
            yield from _described(each, path)


def test_every_key_is_described() -> None:
    described = dict(_described(SCHEMA))
    assert len(described) > 50
    assert [path for path, words in described.items() if not words] == []
    for name in PROVIDERS:
        keys = SCHEMA["definitions"][provider(name).account.__name__]["properties"]
        assert set(keys) == {"provider", *provider(name).account.model_fields}


@pytest.mark.parametrize(
    "entry",
    [
        COGNIGY,
        CHATLAYER,
        {**COGNIGY, "project_id": "${PROJECT}", "lookback_days": "${DAYS}", "timezone": "${ZONE}", "auth": "bearer"},
        {**CHATLAYER, "streams": ["users", "chatlayer.flow"], "conversation_ids": ["a", 1], "start_date": "2025-01-01"},
        {**COGNIGY, "privacy": {"key": "${KEY}"}, "rate_limit": {"requests": 5, "period_seconds": 0.5}},
        {**COGNIGY, "streams": None, "start_date": None},
    ],
)
def test_what_is_right_is_accepted(entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"KEY": "fake-key", "PROJECT": COGNIGY["project_id"], "DAYS": "4", "ZONE": "Europe/Berlin"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert refusals({"accounts": [entry]}) == []
    (tmp_path / "chatmart.yaml").write_text(yaml.safe_dump({"accounts": [entry]}))
    configuration.load(tmp_path / "chatmart.yaml")


@pytest.mark.parametrize(
    ("document", "about"),
    [
        ({"accounts": [COGNIGY], "acounts": []}, "acounts"),
        ({"accounts": []}, "[]"),
        ({"accounts": [COGNIGY], "schedule": {"hour": 24}}, "24"),
        ({"accounts": [COGNIGY], "defaults": {"timezone": "Europe/Berlinn"}}, "Europe/Berlinn"),
        ({"accounts": [{**COGNIGY, "time_zone": "UTC"}]}, "time_zone"),
        ({"accounts": [{**COGNIGY, "timezone": "Mars/Base"}]}, "Mars/Base"),
        ({"accounts": [{**COGNIGY, "api_key": "sk-in-plain"}]}, "sk-in-plain"),
        ({"accounts": [{**COGNIGY, "project_id": "short"}]}, "short"),
        ({"accounts": [{**COGNIGY, "bot_id": "b"}]}, "bot_id"),
        ({"accounts": [{**COGNIGY, "streams": ["conversations"]}]}, "conversations"),
        ({"accounts": [{**COGNIGY, "auth": "basic"}]}, "basic"),
        ({"accounts": [{**COGNIGY, "base_url": "ftp://x"}]}, "ftp://x"),
        ({"accounts": [{**COGNIGY, "name": "Acme Support"}]}, "Acme Support"),
        ({"accounts": [{**COGNIGY, "provider": "cogniggy"}]}, "cogniggy"),
        ({"accounts": [{**COGNIGY, "privacy": {"key": "plain"}}]}, "plain"),
        ({"accounts": [{"name": "x", "provider": "inkeep"}]}, "api_key"),
        ({"accounts": [{"name": "x"}]}, "provider"),
        ({}, "accounts"),
    ],
)
def test_what_the_loader_refuses_is_refused(
    document: dict[str, Any], about: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert about in " ".join(refusals(document))
    monkeypatch.setenv("KEY", "fake-key")
    (tmp_path / "chatmart.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError):
        configuration.load(tmp_path / "chatmart.yaml")
