"""The database of the locks that processes of several machines share: that of `locks:`, or that of Dagster's state.

Dagster's own settings are read only where machines may share the landing zone or the warehouse. It connects to nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from pipelines.configuration.config import Config
from pipelines.configuration.secrets import read_env, register_password


@dataclass(frozen=True)
class LockDatabase:
    """The address of a PostgreSQL database, with its password, and `source`: the setting or file that names it.

    Where the address is empty, `problem` says what its source lacks.
    """

    source: str
    address: str = field(repr=False)
    problem: str = ""


def find_lock_database(config: Config) -> LockDatabase | None:
    """Return the database of the locks; None where locks are files of this machine."""
    locks = config.settings.locks
    if locks is not None:
        address = locks.get_secret_value()
        problem = "" if address else "it has no value, or a variable in it is not set"
        return LockDatabase(f"`locks:` in {config.path.name}", address, problem)
    if not config.is_shared:
        return None
    return _find_dagsters_database(config.dagster_home / "dagster.yaml", {**read_env(config.folder), **os.environ})


def _find_dagsters_database(path: Path, environment: Mapping[str, str | None]) -> LockDatabase | None:
    """Return the database in which Dagster keeps its state, by its own settings; None when that is no PostgreSQL."""
    try:
        settings = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError):
        return LockDatabase(str(path), "", "it cannot be read")
    storage = settings.get("storage") if isinstance(settings, dict) else None
    postgres = storage.get("postgres") if isinstance(storage, dict) else None
    if not isinstance(postgres, dict):
        return None
    try:
        address = _build_address(postgres, environment)
    except _Unset as error:
        return LockDatabase(str(path), "", f"its variable {error} is not set; set it or write it into .env")
    register_password(address)
    return LockDatabase(str(path), address)


class _Unset(LookupError):
    """A variable that a setting of Dagster's names is not set. The text is its name."""


def _build_address(postgres: Mapping[str, Any], environment: Mapping[str, str | None]) -> str:
    """Return the address of Dagster's section `postgres`: `postgres_url`, or the parts in `postgres_db`."""

    def read(value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        name = str(value.get("env"))
        text = environment.get(name)
        if not text:
            raise _Unset(name)
        return text

    if "postgres_url" in postgres:
        return read(postgres["postgres_url"])
    parts = postgres.get("postgres_db") or {}
    user, password, host, database = (
        quote(read(parts.get(key, "")), safe="") for key in ("username", "password", "hostname", "db_name")
    )
    query = f"?{urlencode(parts['params'])}" if parts.get("params") else ""
    return f"postgresql://{user}:{password}@{host}:{read(parts.get('port', 5432))}/{database}{query}"
