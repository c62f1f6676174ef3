"""Problems of a configuration: all at once, each with file, account and key."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.errors import ConfigError
from pipelines.configuration import config as configuration
from pipelines.configuration.settings import OperatingSettings
from tests.pipelines.configuration.conftest import ACCOUNT, SECRET, ConfigFolder, build_account

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
SMALL = st.lists(LEAVES, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), LEAVES, max_size=3)
VALUES = LEAVES | SMALL | st.lists(SMALL, max_size=2) | st.dictionaries(st.text(max_size=8), SMALL, max_size=2)


def test_all_problems_are_reported_at_once_with_file_account_and_key(config_folder: ConfigFolder) -> None:
    problems = config_folder.list_problems(
        landing="data",
        lake="x",
        defaults={"timezone": "Berlin", "colour": "red"},
        accounts=[
            build_account(name="one", api_key=SECRET),
            build_account(name="two", api_key="${NOBODY_SET_THIS}", timezone="Mars/Base"),
            build_account(name="three", project_id=None, colour="red"),
            build_account(name="four", provider="clippy"),
            build_account(name="five", provider=None),
            build_account(name="Six"),
            build_account(name=None, lookback_days=-1),
            "seven",
        ],
    )
    expected = [
        "chatmart.yaml: lake: is not a known key",
        "chatmart.yaml: defaults.timezone: there is no time zone 'Berlin'; did you mean Europe/Berlin?",
        "chatmart.yaml: defaults.colour: is not a known key",
        "chatmart.yaml: accounts, item 8: is not a section",
        "chatmart.yaml: account one: api_key: is a secret in plain text; write ${VARIABLE} and set",
        "chatmart.yaml: account two: api_key: the variable NOBODY_SET_THIS is not set; set it or write it into .env",
        "chatmart.yaml: account two: timezone: there is no time zone 'Mars/Base'",
        "chatmart.yaml: account three: project_id: is missing",
        "chatmart.yaml: account three: colour: is not a known key",
        "chatmart.yaml: account four: provider: is 'clippy'; known: cognigy, chatdash",
        "chatmart.yaml: account five: provider: is missing",
        "chatmart.yaml: account Six: name: has another form than it must have",
        "chatmart.yaml: account number 7: name: is missing",
        "chatmart.yaml: account number 7: lookback_days: is too small: the least is 0",
    ]
    for line in expected:
        assert any(problem.startswith(line) for problem in problems), f"{line}\n" + "\n".join(problems)
    assert len(problems) == len(expected)


@pytest.mark.parametrize(
    "value", ["fake-key-of-acme ", " fake-key-of-acme", "fake-key-of-acme\n", "fake-key-of-acme\t"]
)
def test_a_key_with_a_blank_around_it_is_named(
    config_folder: ConfigFolder, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", {"ACME_KEY": value})
    assert config_folder.list_problems(accounts=[ACCOUNT]) == [
        "chatmart.yaml: account acme: api_key: begins or ends with a blank or a line break; leave it out"
    ]


def test_an_id_with_a_blank_around_it_is_named(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT", "c1\n")
    account = build_account(provider="chatcaptain", project_id=None, chatbot_id="${CHATBOT}")
    assert config_folder.list_problems(accounts=[account]) == [
        "chatmart.yaml: account acme: chatbot_id: begins or ends with a blank or a line break; leave it out"
    ]


@pytest.mark.parametrize("value", ["two\nlines-of-a-key", "“quoted-fake-key”", "fake-key-\x00"])
def test_a_key_that_no_header_carries_is_named(
    config_folder: ConfigFolder, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", {"ACME_KEY": value})
    (problem,) = config_folder.list_problems(accounts=[ACCOUNT])
    assert problem.startswith("chatmart.yaml: account acme: credential: holds a character that no HTTP header carries")
    assert value not in problem


def test_names_are_unique(config_folder: ConfigFolder) -> None:
    (problem,) = config_folder.list_problems(
        accounts=[ACCOUNT, build_account(project_id="0" * 24), build_account(name="other")]
    )
    assert problem == "chatmart.yaml: account acme: name: is used 2 times; account names are unique"


def test_a_repeated_name_is_reported_beside_other_problems(config_folder: ConfigFolder) -> None:
    problems = config_folder.list_problems(accounts=[ACCOUNT, build_account(timezone="Mars/Base")])
    assert len(problems) == 2
    assert "chatmart.yaml: account acme: name: is used 2 times; account names are unique" in problems


@pytest.mark.parametrize("landing", ["s3://bucket", "s3://bucket/a b", "s3://Bucket/a", "file:///srv/landing"])
def test_a_landing_zone_is_a_folder_or_in_a_bucket(config_folder: ConfigFolder, landing: str) -> None:
    assert config_folder.list_problems(landing=landing, accounts=[ACCOUNT]) == [
        "chatmart.yaml: landing: give a folder, or a bucket and a prefix of an object store, as in s3://bucket/landing"
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("landing", "warehouse", "defaults", "schedule", *OperatingSettings.model_fields, "accounts", "x"), VALUES
        ),
    ),
    entry=st.fixed_dictionaries(
        {"provider": st.sampled_from(["cognigy", "chatdash", "chatlayer", "chatcaptain", "inkeep"])},
        optional=dict.fromkeys(("name", "timezone", "api_key", "streams", "privacy", "rate_limit", "version"), VALUES),
    ),
)
def test_every_document_is_accepted_or_a_configuration_error(
    tmp_path: Path, document: dict[str, Any], entry: dict[str, Any]
) -> None:
    path = tmp_path / "chatmart.yaml"
    for content in (document, {**document, "accounts": [entry]}):
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        with suppress(ConfigError):
            configuration.load_config(path)


def test_a_document_is_validated_before_it_is_written_and_its_secrets_are_set(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    unset = {"accounts": [build_account(api_key="${NOBODY_SET_THIS}")]}
    assert configuration.validate_config(path, unset, allow_unset_secrets=True).secret_variables == {
        "acme": ("NOBODY_SET_THIS",)
    }
    with pytest.raises(ConfigError, match="the variable NOBODY_SET_THIS is not set"):
        configuration.validate_config(path, unset)
    for wrong in ({"api_key": SECRET}, {"project_id": "${NOBODY_SET_THIS}"}):
        with pytest.raises(ConfigError):
            configuration.validate_config(path, {"accounts": [build_account(**wrong)]}, allow_unset_secrets=True)
    assert not path.exists()
