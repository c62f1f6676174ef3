from datetime import date
from pathlib import Path

import pytest
import yaml

from extractors.errors import ConfigError
from extractors.redaction import redact
from pipelines.configuration import config as configuration
from tests.pipelines.configuration.conftest import ACCOUNT, ConfigFolder, build_account


def test_a_small_configuration(config_folder: ConfigFolder, tmp_path: Path) -> None:
    config = config_folder.load(accounts=[ACCOUNT])
    (acme,) = config.accounts
    assert (acme.name, acme.provider, acme.external_id) == ("acme", "cognigy", ACCOUNT["project_id"])
    assert acme.credential().headers == {"X-API-Key": "fake-key-from-the-environment"}
    assert config.landing == tmp_path / "data/landing"
    assert config.warehouse == "duckdb://data/warehouse.duckdb"
    assert redact("fake-key-from-the-environment") != "fake-key-from-the-environment"


def test_defaults_apply_to_keys_that_an_account_leaves_out(config_folder: ConfigFolder) -> None:
    config = config_folder.load(
        defaults={
            "timezone": "Europe/Berlin",
            "lookback_days": 7,
            "start_date": date(2025, 1, 1),
            "rate_limit": {"requests": 10, "concurrency": 2},
            "privacy": {"key": "${ACME_KEY}", "properties": "keep"},
        },
        accounts=[
            ACCOUNT,
            build_account(name="other", timezone="UTC", rate_limit={"requests": 20}, privacy={"properties": "drop"}),
        ],
    )
    acme, other = config.accounts
    assert (acme.timezone, acme.lookback_days, acme.start_date) == ("Europe/Berlin", 7, date(2025, 1, 1))
    assert (other.timezone, other.lookback_days) == ("UTC", 7)
    assert (other.rate_limit.requests, other.rate_limit.concurrency) == (20, 2)
    assert (acme.privacy.properties, other.privacy.properties) == ("keep", "drop")
    assert other.privacy.key is not None


def test_accounts_are_selected_by_name_and_provider(config_folder: ConfigFolder) -> None:
    docs = {"name": "docs", "provider": "inkeep", "api_key": "${ACME_KEY}"}
    config = config_folder.load(accounts=[ACCOUNT, build_account(name="other"), docs])
    assert [account.name for account in config.select_accounts()] == ["acme", "other", "docs"]
    assert [account.name for account in config.select_accounts(["docs", "acme"])] == ["acme", "docs"]
    assert [account.name for account in config.select_accounts(providers=["inkeep"])] == ["docs"]
    with pytest.raises(ConfigError, match=r"none of the accounts acme in .* is of inkeep"):
        config.select_accounts(["acme"], ["inkeep"])
    with pytest.raises(ConfigError) as caught:
        config.select_accounts(["nobody", "acme"], ["clippy"])
    assert caught.value.problems == [
        f"there is no account 'nobody' in {config.path}; it has acme, other, docs",
        "there is no provider 'clippy'; known: cognigy, chatdash, chatlayer, chatcaptain, inkeep",
    ]


def test_account_names_are_read_from_an_invalid_file(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    path.write_text(
        yaml.safe_dump(
            {"x": 1, "accounts": [ACCOUNT, "y", {"provider": "clippy"}, {"name": "b", "provider": "clippy"}]}
        )
    )
    assert configuration.read_account_names(path) == [("acme", "cognigy"), ("b", "clippy")]
