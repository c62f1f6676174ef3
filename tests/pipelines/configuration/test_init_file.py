"""Writing a configuration: an added account is the only change, whatever the file looks like."""

import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.registry import PROVIDERS, get_provider
from pipelines.configuration.init_file import (
    append_account,
    append_env_variables,
    render_config,
    required_ids,
    required_secrets,
    secret_variable_name,
    write_config_file,
)
from pipelines.configuration.secrets import read_env
from pipelines.configuration.yaml_file import parse_value

ENTRY: dict[str, Any] = {"name": "new", "provider": "inkeep", "streams": ["a", "b"], "api_key": "${NEW_API_KEY}"}


def test_required_keys_come_from_the_model_of_the_account() -> None:
    models = {name: get_provider(name).account for name in PROVIDERS}
    expected = {
        "cognigy": ["project_id"],
        "chatdash": ["project_id"],
        "chatlayer": ["bot_id"],
        "chatcaptain": ["chatbot_id"],
        "inkeep": [],
    }
    assert {name: required_ids(models[name]) for name in expected} == expected
    assert required_secrets(models["chatlayer"]) == ["token_id", "token_secret"]
    assert required_secrets(models["inkeep"]) == ["api_key"]
    assert [secret_variable_name("acme-bot", "api_key"), secret_variable_name("3-a", "key")] == [
        "ACME_BOT_API_KEY",
        "_3_A_KEY",
    ]


def test_a_new_file_holds_locations_and_account(tmp_path: Path) -> None:
    locations = {"landing": "a: b", "warehouse": "duckdb://#x"}
    assert yaml.safe_load(render_config(tmp_path, locations, ENTRY)) == {**locations, "accounts": [ENTRY]}


FILES = {
    "last": ("# c\naccounts:\n  # first\n  - name: a\n    x: 1  # one\n", ""),
    "no line end": ("accounts:\n- name: a\n  x: 1", ""),
    "before another key": ("accounts:\n- name: a\n  x: 1\n", "\n# of the schedule\nschedule: {hour: 5}\n"),
    "a comment of the account's own": ("accounts:\n  - name: a\n    # x: 1\n", "  # - name: off\n\n# end\n"),
    "deep": ("accounts:\n      -   name: a\n          x:\n            - 1\n", ""),
    "block text": ("accounts:\n- name: a\n  x: |\n    one\n    two\n", "z: 1\n"),
    "inline accounts in a list of lines": ("accounts:\n- {name: a}\n- {name: b}  # two\n", ""),
    "other line ends": ("accounts:\r\n- name: a\r\n  x: 1\r\n", "z: 1\r\n"),
    "umlauts": ("# ü\u2028 \naccounts:\n- name: ü\n", "# ä\n"),
    "document marks": ("---\naccounts:\n- name: a\n", "...\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_an_account_is_added_and_nothing_else_is_touched(name: str) -> None:
    before, after = FILES[name]
    new_text = append_account(before + after, ENTRY)
    assert new_text is not None
    ending = "\r\n" if "\r\n" in before else "\n"
    head = before if before.endswith("\n") else before + ending
    assert new_text.startswith(head)
    assert new_text.endswith(after)
    added = new_text[len(head) : len(new_text) - len(after)]
    assert all(line.endswith(ending) for line in added.splitlines(keepends=True))
    assert yaml.safe_load(added) == [ENTRY]
    document = yaml.safe_load(before + after)
    assert yaml.safe_load(new_text) == {**document, "accounts": [*document["accounts"], ENTRY]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x: 1\n",
        "accounts: [{name: a}]\n",
        "accounts: []\n",
        "accounts:\n",
        "accounts: &a\n- name: a\nx: *a\n",
        "- x\n",
    ],
)
def test_a_file_that_needs_more_than_inserted_lines_is_left_alone(text: str) -> None:
    assert append_account(text, ENTRY) is None


def test_a_file_is_replaced_where_it_lies(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link.yaml").symlink_to(real)
    write_config_file(tmp_path / "link.yaml", "new\r\nü\n")
    assert real.read_bytes() == "new\r\nü\n".encode()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert (tmp_path / "link.yaml").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_variables_are_added_and_none_is_changed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    append_env_variables(tmp_path, {})
    assert not path.exists()
    append_env_variables(tmp_path, {"A": "", "B": "fake b"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(path.read_text() + "export C=mine # so\nD=")
    append_env_variables(tmp_path, {"A": "fake-a", "B": "other", "C": "other", "D": "", "E": ""})
    assert path.read_text() == "A=\nB='fake b'\nexport C=mine # so\nD=\nA='fake-a'\nE=\n"
    assert read_env(tmp_path) == {"A": "fake-a", "B": "fake b", "C": "mine", "D": "", "E": ""}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_a_secret_comes_back_as_it_was_typed(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").unlink(missing_ok=True)
    append_env_variables(tmp_path, {"KEY": value})
    assert read_env(tmp_path)["KEY"] == value


def test_a_value_that_looks_like_a_reference_or_has_lines_is_written_as_it_is(tmp_path: Path) -> None:
    append_env_variables(tmp_path, {"OTHER": "x", "KEY": "a${b}", "LINES": "a\r\nb"})
    assert read_env(tmp_path) == {"OTHER": "x", "KEY": "a${b}", "LINES": "a\r\nb"}


@pytest.mark.parametrize(
    "text", ["0123", "1_000", "12:30", "1e3", "yes", "null", "~", "2025-01-01", "=", "<<", " 3", ""]
)
def test_a_text_of_an_account_reads_back_as_it_was(tmp_path: Path, text: str) -> None:
    entry = {"name": "new", "provider": "chatdash", "project_id": text, "api_key": "${NEW_API_KEY}"}
    locations = {"landing": text, "warehouse": text}
    written = render_config(tmp_path, locations, entry)
    assert parse_value(written) == {**locations, "accounts": [entry]}
    more = append_account(written, {**entry, "start_date": date(2025, 1, 1), "lookback_days": 3})
    assert more is not None
    assert parse_value(more)["accounts"] == [entry, {**entry, "start_date": "2025-01-01", "lookback_days": "3"}]
