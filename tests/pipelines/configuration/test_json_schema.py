"""The schema for editors agrees with the loader: both refuse the same files, as far as a schema can express it."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import yaml

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS, get_provider
from pipelines.cli.actions import demo
from pipelines.configuration import config as configuration
from pipelines.configuration import schema_file
from sandbox.demo.world import list_demo_accounts
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads(schema_file.SCHEMA_PATH.read_text("utf-8"))
COGNIGY = {"name": "acme", "provider": "cognigy", "project_id": "5f0c2f4e8a1b2c3d4e5f6a7b", "api_key": "${KEY}"}
CHATLAYER = {"name": "bot", "provider": "chatlayer", "bot_id": 17, "token_id": "${KEY}", "token_secret": "${KEY}"}


def list_refusals(document: Any) -> list[str]:
    as_json = json.loads(json.dumps(document, default=str))
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(as_json)]


def test_the_file_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def find_schema_of(path: Path) -> Path:
    """Return the path at which an editor looks for the schema of a file."""
    named = path.read_text("utf-8").splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    return Path(unquote(urlsplit(named).path)) if named.startswith("file:") else (path.parent / named).resolve()


def test_the_example_names_it_and_is_valid() -> None:
    example = ROOT / "chatmart.example.yaml"
    assert find_schema_of(example) == schema_file.SCHEMA_PATH
    assert list_refusals(yaml.safe_load(example.read_text("utf-8"))) == []


def test_the_demo_names_it_and_is_valid(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        path = demo.write_demo_config(tmp_path, sandbox, list_demo_accounts(date(2025, 1, 1)), date(2025, 1, 1))
    assert find_schema_of(path) == schema_file.SCHEMA_PATH
    assert list_refusals(yaml.safe_load(path.read_text("utf-8"))) == []


def test_a_folder_above_the_schema_names_it_by_its_path_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_file, "SCHEMA_PATH", tmp_path / "venv" / "x.json")
    assert schema_file.schema_comment(tmp_path) == "# yaml-language-server: $schema=venv/x.json"
    monkeypatch.setattr(
        schema_file, "SCHEMA_PATH", tmp_path / "my venv" / "x.json"
    )  # a comment's address ends at a space
    assert schema_file.schema_comment(tmp_path).endswith("/my%20venv/x.json")


def iter_descriptions() -> Iterator[tuple[str, str]]:
    """Yield every key of the file with its description."""
    entry = SCHEMA["properties"]["accounts"]["items"]
    for place, schema in {"file": SCHEMA, "entry": entry, **SCHEMA["definitions"]}.items():
        for key, value in schema.get("properties", {}).items():
            yield f"{place}.{key}", value.get("description", "")


def test_every_key_is_described() -> None:
    descriptions = dict(iter_descriptions())
    assert len(descriptions) > 50
    assert [key for key, description in descriptions.items() if not description] == []
    for name in PROVIDERS:
        keys = SCHEMA["definitions"][get_provider(name).account.__name__]["properties"]
        assert set(keys) == {"provider", *get_provider(name).account.model_fields}


@pytest.mark.parametrize(
    "entry",
    [
        COGNIGY,
        CHATLAYER,
        {**COGNIGY, "project_id": "${PROJECT}", "lookback_days": "${DAYS}", "timezone": "${ZONE}", "auth": "bearer"},
        {**CHATLAYER, "streams": ["users", "chatlayer.flow"], "conversation_ids": ["a", 1], "start_date": "2025-01-01"},
        {**COGNIGY, "privacy": {"key": "${KEY}"}, "rate_limit": {"requests": 5, "period_seconds": 0.5}},
        {**COGNIGY, "streams": None, "start_date": None},
        {**CHATLAYER, "bot_id": True, "team_id": 1.5, "conversation_ids": [False, 12]},  # an editor's 0123, yes, 1e3
    ],
)
def test_what_is_right_is_accepted(entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"KEY": "fake-key-of-pseudonyms", "PROJECT": COGNIGY["project_id"], "DAYS": "4", "ZONE": "Europe/Berlin"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert list_refusals({"accounts": [entry]}) == []
    (tmp_path / "chatmart.yaml").write_text(yaml.safe_dump({"accounts": [entry]}))
    configuration.load_config(tmp_path / "chatmart.yaml")


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
    assert about in " ".join(list_refusals(document))
    monkeypatch.setenv("KEY", "fake-key")
    (tmp_path / "chatmart.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError):
        configuration.load_config(tmp_path / "chatmart.yaml")
