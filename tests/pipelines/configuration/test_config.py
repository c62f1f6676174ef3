from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors import redaction
from extractors.errors import ConfigError
from extractors.redaction import redact
from pipelines.configuration import config as configuration
from pipelines.configuration.config import Config
from pipelines.configuration.settings import OperatingSettings
from pipelines.configuration.yaml_file import read_yaml

SECRET = "sk-live-planted-0123456789"
GOOD: dict[str, Any] = {
    "name": "acme",
    "provider": "cognigy",
    "project_id": "5f0c2f4e8a1b2c3d4e5f6a7b",
    "api_key": "${ACME_KEY}",
}
Read = Callable[..., Config]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    monkeypatch.setenv("ACME_KEY", "fake-key-from-the-environment")
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(text: str | None = None, /, env: str = "", **document: Any) -> Config:
        path = tmp_path / "chatmart.yaml"
        path.write_text(text if text is not None else yaml.safe_dump(document))
        (tmp_path / ".env").write_text(env)
        return configuration.load_config(path)

    return load


def problems(read: Read, *text: str, **document: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(*text, **document)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)
    return caught.value.problems


def account(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not None}


def test_a_small_configuration(read: Read, tmp_path: Path) -> None:
    found = read(accounts=[GOOD])
    (acme,) = found.accounts
    assert (acme.name, acme.provider, acme.external_id) == ("acme", "cognigy", GOOD["project_id"])
    assert acme.credential().headers == {"X-API-Key": "fake-key-from-the-environment"}
    assert found.landing == tmp_path / "data/landing"
    assert found.warehouse == "duckdb://data/warehouse.duckdb"
    assert redact("fake-key-from-the-environment") != "fake-key-from-the-environment"


def test_defaults_hold_where_an_account_says_nothing(read: Read) -> None:
    found = read(
        defaults={
            "timezone": "Europe/Berlin",
            "lookback_days": 7,
            "start_date": date(2025, 1, 1),
            "rate_limit": {"requests": 10, "concurrency": 2},
            "privacy": {"key": "${ACME_KEY}", "properties": "keep"},
        },
        accounts=[
            GOOD,
            account(name="other", timezone="UTC", rate_limit={"requests": 20}, privacy={"properties": "drop"}),
        ],
    )
    acme, other = found.accounts
    assert (acme.timezone, acme.lookback_days, acme.start_date) == ("Europe/Berlin", 7, date(2025, 1, 1))
    assert (other.timezone, other.lookback_days) == ("UTC", 7)
    assert (other.rate_limit.requests, other.rate_limit.concurrency) == (20, 2)
    assert (acme.privacy.properties, other.privacy.properties) == ("keep", "drop")
    assert other.privacy.key is not None


def test_variables_come_from_the_file_beside_it_and_the_environment_wins(read: Read) -> None:
    both = "ACME_KEY=fake-key-from-the-file\nOTHER_KEY=fake-other-key\n"
    found = read(accounts=[GOOD, account(name="other", api_key="${OTHER_KEY}")], env=both)
    keys = [one.credential().headers["X-API-Key"] for one in found.accounts]
    assert keys == ["fake-key-from-the-environment", "fake-other-key"]


def test_a_variable_may_stand_anywhere(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "api.example.com")
    (acme,) = read(accounts=[account(base_url="https://${HOST}/new")]).accounts
    assert acme.base_url == "https://api.example.com/new"


def test_every_problem_is_told_at_once_with_file_account_and_key(read: Read) -> None:
    found = problems(
        read,
        landing="data",
        lake="x",
        defaults={"timezone": "Berlin", "colour": "red"},
        accounts=[
            account(name="one", api_key=SECRET),
            account(name="two", api_key="${NOBODY_SET_THIS}", timezone="Mars/Base"),
            account(name="three", project_id=None, colour="red"),
            account(name="four", provider="clippy"),
            account(name="five", provider=None),
            account(name="Six"),
            account(name=None, lookback_days=-1),
            "seven",
        ],
    )
    expected = [
        "chatmart.yaml: lake: is not a known key",
        "chatmart.yaml: defaults.timezone: there is no time zone 'Berlin'; use a name such as Europe/Berlin",
        "chatmart.yaml: defaults.colour: is not a known key",
        "chatmart.yaml: accounts.7: Input should be a valid dictionary",
        "chatmart.yaml: account one: api_key: is a secret and stands here in plain; write ${VARIABLE} and set",
        "chatmart.yaml: account two: api_key: the variable NOBODY_SET_THIS is not set; set it or write it into .env",
        "chatmart.yaml: account two: timezone: there is no time zone 'Mars/Base'",
        "chatmart.yaml: account three: project_id: is missing",
        "chatmart.yaml: account three: colour: is not a known key",
        "chatmart.yaml: account four: provider: is 'clippy'; known: cognigy, chatdash",
        "chatmart.yaml: account five: provider: is missing",
        "chatmart.yaml: account Six: name: String should match pattern",
        "chatmart.yaml: account number 7: name: is missing",
        "chatmart.yaml: account number 7: lookback_days: Input should be greater than or equal to 0",
    ]
    for line in expected:
        assert any(problem.startswith(line) for problem in found), f"{line}\n" + "\n".join(found)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "told",
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
def test_a_literal_secret_is_refused_and_never_echoed(read: Read, told: Mapping[str, Any]) -> None:
    assert problems(read, accounts=[account(**told)])


def test_a_literal_secret_among_the_defaults_is_refused(read: Read) -> None:
    (problem,) = problems(read, defaults={"privacy": {"key": SECRET}}, accounts=[GOOD])
    assert problem.startswith("chatmart.yaml: defaults.privacy.key: is a secret and stands here in plain")


@pytest.mark.parametrize("value", ["two\nlines-of-a-key", "“quoted-fake-key”", "fake-key-\x00"])
def test_a_key_that_no_header_carries_is_named(read: Read, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"ACME_KEY": value})
    (problem,) = problems(read, accounts=[GOOD])
    assert problem.startswith("chatmart.yaml: account acme: credential: holds a character that no HTTP header carries")
    assert value not in problem


def test_an_empty_variable_is_not_set(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "")
    assert problems(read, accounts=[GOOD]) == [
        "chatmart.yaml: account acme: api_key: the variable ACME_KEY is not set; set it or write it into .env"
    ]


def test_names_are_unique(read: Read) -> None:
    (problem,) = problems(read, accounts=[GOOD, account(project_id="0" * 24), account(name="other")])
    assert problem == "chatmart.yaml: account acme: name: is used 2 times; account names are unique"


def test_a_name_that_stands_twice_is_told_with_what_else_is_wrong(read: Read) -> None:
    found = problems(read, accounts=[GOOD, account(timezone="Mars/Base")])
    assert len(found) == 2
    assert "chatmart.yaml: account acme: name: is used 2 times; account names are unique" in found


@pytest.mark.parametrize("landing", ["s3://bucket/prefix", "file:///srv/landing"])
def test_a_landing_zone_is_a_folder_for_now(read: Read, landing: str) -> None:
    assert problems(read, landing=landing, accounts=[GOOD]) == [
        "chatmart.yaml: landing: only a folder is supported in this version"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a mapping"),
        ("- a\n- b\n", "is not a mapping"),
        ("just text", "is not a mapping"),
        ("accounts: []\n", "accounts: List should have at least 1 item"),
        ("accounts: {}\n", "accounts: Input should be a valid list"),
        ("landing: x\n", "accounts: is missing"),
        ("accounts:\n- a\n---\naccounts: []\n", "line 3: but found another document"),
        ("accounts: [\n", "line 2: expected the node content"),
        ("accounts:\n\t- x\n", "line 2: found character"),
        ("accounts: *later\n", "line 1: found undefined alias"),
        ("accounts: !!python/object:os.system x\n", "line 1: could not determine a constructor for the tag"),
        ("landing: a\nlanding: b\naccounts: []\n", "line 1: the key landing is given twice"),
        ("accounts:\n- name: a\n  name: b\n", "line 2: the key name is given twice"),
        ("defaults: {start_date: 2025-02-30}\naccounts: [1]\n", "cannot be read as YAML (ValueError)"),
        ("accounts: &a [*a]\n", "cannot be read as YAML (ValueError)"),
        ("[" * 5000, "cannot be read as YAML (RecursionError)"),
        ("{1: a, true: b, accounts: [], null: c}\n", "1: "),
        ("a: \x00", "cannot be read as YAML"),
        ("? [a]\n: b\n", "line 1: found unhashable key"),
    ],
)
def test_nonsense_is_one_sentence(read: Read, text: str, says: str) -> None:
    found = problems(read, text)
    assert all(problem.startswith("chatmart.yaml: ") and "\n" not in problem for problem in found)
    assert any(problem.startswith(f"chatmart.yaml: {says}") for problem in found), found


@pytest.mark.parametrize(
    "text",
    [
        "accounts:\n- api_key: '{0}\n",
        'accounts:\n- api_key: "{0}\n',
        "accounts:\n- api_key: *{0}\n",
        "accounts:\n- api_key: !{0} x\n",
        "accounts:\n- api_key: {0}: x\n",
        "accounts:\n- {{api_key: {0}\n",
        "accounts:\n- api_key: %{0}\n",
        "accounts:\n- api_key: @{0}\n",
        "api_key: {0}\n  name: x\n",
        "- {0}\n",
        "{0}",
    ],
)
def test_broken_yaml_around_a_secret_does_not_show_it(read: Read, text: str) -> None:
    assert problems(read, text.format(SECRET))


def test_what_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match=r"^chatmart\.yaml: cannot be read as YAML"):
        configuration.load_config(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConfigError, match=r"^folder: cannot be read"):
        read_yaml(folder)
    path.write_text(yaml.safe_dump({"accounts": [GOOD]}))
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match=r"^\.env: cannot be read"):
        configuration.load_config(path)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
SMALL = st.lists(LEAVES, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), LEAVES, max_size=3)
VALUES = LEAVES | SMALL | st.lists(SMALL, max_size=2) | st.dictionaries(st.text(max_size=8), SMALL, max_size=2)


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
def test_no_document_is_a_surprise(tmp_path: Path, document: dict[str, Any], entry: dict[str, Any]) -> None:
    path = tmp_path / "chatmart.yaml"
    for told in (document, {**document, "accounts": [entry]}):
        path.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
        with suppress(ConfigError):
            configuration.load_config(path)


def test_where_a_configuration_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no configuration at .*chatmart\.yaml; write one: `chatmart init`"):
        configuration.find_config(None)
    for name in ("chatmart.yaml", "named.yaml", "other.yaml"):
        (tmp_path / name).write_text("")
    assert configuration.find_config(None) == tmp_path / "chatmart.yaml"
    monkeypatch.setenv("CHATMART_CONFIG", "other.yaml")
    assert configuration.find_config(None) == tmp_path / "other.yaml"
    assert configuration.find_config("named.yaml") == tmp_path / "named.yaml"


def test_accounts_are_chosen_by_name_and_provider(read: Read) -> None:
    docs = {"name": "docs", "provider": "inkeep", "api_key": "${ACME_KEY}"}
    found = read(accounts=[GOOD, account(name="other"), docs])
    assert [one.name for one in found.select_accounts()] == ["acme", "other", "docs"]
    assert [one.name for one in found.select_accounts(["docs", "acme"])] == ["acme", "docs"]
    assert [one.name for one in found.select_accounts(providers=["inkeep"])] == ["docs"]
    with pytest.raises(ConfigError, match=r"no account in chatmart\.yaml matches"):
        found.select_accounts(["acme"], ["inkeep"])
    with pytest.raises(ConfigError) as caught:
        found.select_accounts(["nobody", "acme"], ["clippy"])
    assert caught.value.problems == [
        "there is no account 'nobody' in chatmart.yaml",
        "there is no provider 'clippy'; known: cognigy, chatdash, chatlayer, chatcaptain, inkeep",
    ]


def test_it_names_the_variables_that_a_credential_comes_from(read: Read) -> None:
    layer = {"name": "bot", "provider": "chatlayer", "bot_id": "b", "token_id": "${AN_ID}", "token_secret": "${A_KEY}"}
    keyed = account(privacy={"key": "${ACME_KEY}"}, api_key="${OTHER_KEY}", project_id="${PROJECT}")
    env = f"AN_ID=fake-id\nA_KEY=fake-secret\nOTHER_KEY=fake-key\nPROJECT={GOOD['project_id']}\n"
    assert read(accounts=[keyed, layer], env=env).secret_variables == {
        "acme": ("OTHER_KEY",),
        "bot": ("AN_ID", "A_KEY"),
    }


def test_what_will_be_written_is_checked_before_its_secrets_are_there(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    unset = {"accounts": [account(api_key="${NOBODY_SET_THIS}")]}
    assert configuration.validate_config(path, unset, allow_unset_secrets=True).secret_variables == {
        "acme": ("NOBODY_SET_THIS",)
    }
    with pytest.raises(ConfigError, match="the variable NOBODY_SET_THIS is not set"):
        configuration.validate_config(path, unset)
    for wrong in ({"api_key": SECRET}, {"project_id": "${NOBODY_SET_THIS}"}):
        with pytest.raises(ConfigError):
            configuration.validate_config(path, {"accounts": [account(**wrong)]}, allow_unset_secrets=True)
    assert not path.exists()


def test_the_names_of_a_file_that_is_not_right(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    path.write_text(
        yaml.safe_dump({"x": 1, "accounts": [GOOD, "y", {"provider": "clippy"}, {"name": "b", "provider": "clippy"}]})
    )
    assert configuration.read_account_names(path) == [("acme", "cognigy"), ("b", "clippy")]
