"""The accounts in the configuration file as they are written there. Nothing is validated here.

The shell's completion reads names with this module at each press of a key, so it imports no model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.configuration.yaml_file import read_yaml


def read_account_names(path: Path) -> list[tuple[str, str]]:
    """Return (name, provider) of the accounts in a file that need not be valid, as written there.

    Raises ConfigError for a file that is not readable YAML.
    """
    entries = [entry for _, entry in list_account_entries(read_yaml(path))]
    return [(str(entry["name"]), str(entry["provider"])) for entry in entries if {"name", "provider"} <= entry.keys()]


def list_account_entries(raw: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of ``accounts`` that are mappings, each with its number in the list, from 1."""
    entries = raw.get("accounts")
    numbered = enumerate(entries, 1) if isinstance(entries, list) else ()
    return [(number, entry) for number, entry in numbered if isinstance(entry, dict)]
