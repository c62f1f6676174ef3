"""The setting `locks:`, and Dagster's own database where the file has none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors import redaction
from pipelines.configuration import config as configuration
from pipelines.configuration.lock_database import LockDatabase, find_lock_database
from tests.pipelines.configuration.conftest import SECRET, ConfigFolder

BAD_FORM = "locks: a database of locks is an address as in postgresql://user:${VARIABLE}@host/database"
SHARED = "delta+s3://bucket/lake"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    for name in ("DAGSTER_POSTGRES_URL", "LOCKS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("locks", ["${LOCKS}", "postgresql+psycopg2://${ME}:${LOCKS_PASSWORD}@db.acme.test/dagster"])
def test_the_password_is_given_by_reference_and_redacted(config_folder: ConfigFolder, locks: str) -> None:
    address = f"postgresql+psycopg2://me:{SECRET}@db.acme.test/dagster"
    config = config_folder.load(env=f"LOCKS={address}\nME=me\nLOCKS_PASSWORD={SECRET}\n", locks=locks)
    database = find_lock_database(config)
    assert database == LockDatabase("`locks:` in chatmart.yaml", address)
    for text in (repr(config), repr(config.settings), repr(database), str(config.settings.model_dump())):
        assert SECRET not in text
    assert SECRET not in redaction.redact(f"to {address}")


@pytest.mark.parametrize("address", ["postgresql://db.acme.test/dagster", "postgresql://me@db.acme.test:6000/dagster"])
def test_an_address_without_a_password_is_no_secret(config_folder: ConfigFolder, address: str) -> None:
    assert find_lock_database(config_folder.load(locks=address)) == LockDatabase("`locks:` in chatmart.yaml", address)


@pytest.mark.parametrize(
    ("locks", "problem"),
    [
        (
            f"postgresql://me:{SECRET}@db.acme.test/dagster",
            "locks: holds a password in plain text; write ${VARIABLE} and set the variable",
        ),
        (f"postgresql://db.acme.test/dagster?password={SECRET}", BAD_FORM),
        ("mysql://db.acme.test/dagster", BAD_FORM),
        ("postgresql://db.acme.test", BAD_FORM),
        ("postgresql:///dagster", BAD_FORM),
        ("postgresql://db.acme.test:port/dagster", BAD_FORM),
        ("postgresql://[db/dagster", BAD_FORM),
        ("db.acme.test", BAD_FORM),
        ("postgresql://me:${LOCKS_PASSWORD}@db/x", "locks: the variable LOCKS_PASSWORD is not set; set it or write it"),
    ],
)
def test_a_wrong_address_is_named(config_folder: ConfigFolder, locks: str, problem: str) -> None:
    [line] = config_folder.list_problems(locks=locks)
    assert line.startswith(f"chatmart.yaml: {problem}")


def test_a_reader_needs_no_password(config_folder: ConfigFolder) -> None:
    with pytest.raises(configuration.ConfigError, match="LOCKS_PASSWORD is not set"):
        config_folder.load(locks="postgresql://me:${LOCKS_PASSWORD}@db/x")
    config = configuration.load_config(config_folder.file, allow_unset_secrets=True)
    database = find_lock_database(config)
    assert database is not None
    assert (database.address, database.problem) == ("", "it has no value, or a variable in it is not set")


def write_dagsters_settings(folder: Path, **document: Any) -> None:
    (folder / "dagster.yaml").write_text(yaml.safe_dump(document))


POSTGRES_URL = {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}
POSTGRES_DB = {
    "postgres_db": {
        "username": "me",
        "password": {"env": "LOCKS_PASSWORD"},
        "hostname": "db",
        "db_name": "dagster",
        "params": {"sslmode": "require"},
    }
}


@pytest.mark.parametrize(
    ("postgres", "address"),
    [
        (POSTGRES_URL, f"postgresql://me:{SECRET}@db/dagster"),
        (POSTGRES_DB, f"postgresql://me:{SECRET}%40@db:5432/dagster?sslmode=require"),
    ],
    ids=["url", "parts"],
)
def test_a_shared_warehouse_takes_the_database_of_dagsters_state(
    config_folder: ConfigFolder, postgres: dict[str, Any], address: str
) -> None:
    write_dagsters_settings(config_folder.path, storage={"postgres": postgres})
    env = f"DAGSTER_POSTGRES_URL=postgresql://me:{SECRET}@db/dagster\nLOCKS_PASSWORD={SECRET}@\n"
    config = config_folder.load(env=env, warehouse=SHARED)
    assert find_lock_database(config) == LockDatabase(str(config_folder.path / "dagster.yaml"), address)
    assert SECRET not in redaction.redact(address)
    own = config_folder.load(env=env, warehouse=SHARED, locks="postgresql://db/own")
    assert find_lock_database(own) == LockDatabase("`locks:` in chatmart.yaml", "postgresql://db/own")
    assert find_lock_database(config_folder.load(env=env)) is None, "a warehouse of one machine has no use for it"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (None, None),
        ("telemetry: {enabled: false}", None),
        ("storage: {sqlite: {base_dir: x}}", None),
        ("storage: nonsense", None),
        ("{", "it cannot be read"),
        (
            yaml.safe_dump({"storage": {"postgres": POSTGRES_URL}}),
            "its variable DAGSTER_POSTGRES_URL is not set; set it or write it into .env",
        ),
    ],
)
def test_dagsters_settings_without_a_database(
    config_folder: ConfigFolder, settings: str | None, problem: str | None
) -> None:
    if settings is not None:
        (config_folder.path / "dagster.yaml").write_text(settings)
    database = find_lock_database(config_folder.load(warehouse=SHARED))
    assert (database and (database.address, database.problem)) == (("", problem) if problem else None)
