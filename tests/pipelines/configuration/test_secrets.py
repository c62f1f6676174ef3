"""References to variables and secrets in a configuration."""

from collections.abc import Mapping
from typing import Any

import pytest

from extractors.errors import ConfigError, CredentialMissing, ErrorLocation
from pipelines.configuration.config import load_config
from tests.pipelines.configuration.conftest import ACCOUNT, SECRET, ConfigFolder, build_account


def test_variables_come_from_the_file_beside_it_and_the_environment_wins(config_folder: ConfigFolder) -> None:
    env = "ACME_KEY=fake-key-from-the-file\nOTHER_KEY=fake-other-key\n"
    config = config_folder.load(accounts=[ACCOUNT, build_account(name="other", api_key="${OTHER_KEY}")], env=env)
    keys = [account.credential().headers["X-API-Key"] for account in config.accounts]
    assert keys == ["fake-key-from-the-environment", "fake-other-key"]


def test_a_variable_may_stand_anywhere(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "api.example.com")
    (acme,) = config_folder.load(accounts=[build_account(base_url="https://${HOST}/new")]).accounts
    assert acme.base_url == "https://api.example.com/new"


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": SECRET},
        {"api_key": 123456789},
        {"api_key": f"Bearer {SECRET}"},
        {"api_key": [SECRET]},
        {"api_key": {"value": SECRET}},
        {"api_key": "${ACME_KEY} "},
        {"api_key": f"${{ACME_KEY}}{SECRET}"},
        {"privacy": {"key": SECRET}},
        {"apikey": SECRET},
        {"timezone": [SECRET]},
        {"streams": {SECRET: 1}},
        {"base_url": f"https://user:{SECRET}@host"},
        {"base_url": f"https://host?key={SECRET}"},
    ],
)
def test_a_literal_secret_is_refused_and_never_echoed(config_folder: ConfigFolder, changes: Mapping[str, Any]) -> None:
    assert config_folder.list_problems(accounts=[build_account(**changes)])


def test_a_literal_secret_among_the_defaults_is_refused(config_folder: ConfigFolder) -> None:
    (problem,) = config_folder.list_problems(defaults={"privacy": {"key": SECRET}}, accounts=[ACCOUNT])
    assert problem.startswith("chatmart.yaml: defaults.privacy.key: is a secret in plain text")


def test_an_empty_variable_is_not_set(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "")
    assert config_folder.list_problems(accounts=[ACCOUNT]) == [
        "chatmart.yaml: account acme: api_key: the variable ACME_KEY is not set; set it or write it into .env"
    ]


def test_the_variables_of_a_credential_are_named(config_folder: ConfigFolder) -> None:
    layer = {"name": "bot", "provider": "chatlayer", "bot_id": "b", "token_id": "${AN_ID}", "token_secret": "${A_KEY}"}
    keyed = build_account(privacy={"key": "${ACME_KEY}"}, api_key="${OTHER_KEY}", project_id="${PROJECT}")
    env = f"AN_ID=fake-id\nA_KEY=fake-secret\nOTHER_KEY=fake-key\nPROJECT={ACCOUNT['project_id']}\n"
    assert config_folder.load(accounts=[keyed, layer], env=env).secret_variables == {
        "acme": ("OTHER_KEY",),
        "bot": ("AN_ID", "A_KEY"),
    }


def test_only_variables_of_credentials_may_be_unset_in_a_load(config_folder: ConfigFolder) -> None:
    layer = {"name": "bot", "provider": "chatlayer", "bot_id": "b", "token_id": "${AN_ID}", "token_secret": "${A_KEY}"}
    config_folder.write(accounts=[ACCOUNT, layer])
    acme, bot = load_config(config_folder.file, allow_unset_credentials=True).accounts
    assert (acme.unset_variables, bot.unset_variables) == ((), ("AN_ID", "A_KEY"))
    error = CredentialMissing(ErrorLocation(bot.provider, bot.name), bot.unset_variables)
    assert str(error) == (
        "bot (chatlayer): the variables AN_ID and A_KEY are not set; set them or write them into .env"
    )
    config_folder.write(accounts=[build_account(privacy={"key": "${A_KEY}"})])  # pseudonyms would be others
    with pytest.raises(ConfigError, match=r"account acme: privacy.key: the variable A_KEY is not set"):
        load_config(config_folder.file, allow_unset_credentials=True)


@pytest.mark.parametrize(
    ("section", "key", "reference"),
    [
        ("alerts", "webhook", "${NOBODY_SET_THIS}"),
        ("alerts", "apprise", ["${NOBODY_SET_THIS}"]),
        ("network", "proxy", "${NOBODY_SET_THIS}"),
        ("network", "proxy", "http://${NOBODY_SET_THIS}@proxy.test:3128"),
        ("network", "ca_file", "${NOBODY_SET_THIS}"),
    ],
)
def test_whoever_only_reads_needs_no_variable_of_what_is_sent(
    config_folder: ConfigFolder, section: str, key: str, reference: Any
) -> None:
    problems = config_folder.list_problems(**{section: {key: reference}})
    sentence = "the variable NOBODY_SET_THIS is not set; set it or write it into .env"
    assert problems == [f"chatmart.yaml: {section}.{key}: {sentence}"]
    with pytest.raises(ConfigError, match="NOBODY_SET_THIS is not set"):
        load_config(config_folder.file, allow_unset_credentials=True)
    assert load_config(config_folder.file, allow_unset_secrets=True).accounts
