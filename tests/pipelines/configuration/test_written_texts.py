"""Texts of the file keep their characters; numbers, flags and days are read by one rule or refused."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors.errors import ConfigError
from pipelines.configuration import config as configuration
from tests.pipelines.configuration.conftest import ConfigFolder

ODD_TEXTS = (
    *("0123", "007", "1_000", "12:30:45", "1.10", "0x1F", "0o17", "0b11", "1e3", "1.0e+3", "+5", "-0", ".5", "5."),
    *("yes", "No", "on", "OFF", "y", "n", "true", "False", ".inf", "-.INF", ".nan", "=", "<<"),
    *("2025-01-01", "2025-01-01 12:00:00", "20250101", "99999999999999999999", "nullx"),
)
ID_KEYS = {
    "chatdash": ("project_id",),
    "chatlayer": ("bot_id", "team_id", "conversation_ids"),
    "chatcaptain": ("chatbot_id", "export_columns"),
}
SECRETS = {"chatlayer": "token_id: ${ACME_KEY}\n  token_secret: ${ACME_KEY}"}


def write_account(provider: str, lines: str, name: str = "acme") -> str:
    secrets = SECRETS.get(provider, "api_key: ${ACME_KEY}")
    return f"accounts:\n- provider: {provider}\n  name: {name}\n  {secrets}\n{lines}"


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_every_text_setting_keeps_its_characters(config_folder: ConfigFolder, text: str) -> None:
    for provider, id_keys in ID_KEYS.items():
        lines = {key: f"  {key}: {text}\n" for key in id_keys}
        lines |= {"conversation_ids": f"  conversation_ids: [{text}, x]\n"} if provider == "chatlayer" else {}
        if provider == "chatcaptain":
            key = f"'{text}'" if text == "<<" else text  # a plain << merges
            lines["export_columns"] = f"  export_columns:\n    {key}: conversation_id\n    '{text} ': language\n"
        account: Any = config_folder.load(write_account(provider, "".join(lines.values()))).accounts[0]
        values = {key: getattr(account, key) for key in id_keys}
        expected: dict[str, Any] = dict.fromkeys(id_keys, text)
        expected |= {"conversation_ids": (text, "x")} if provider == "chatlayer" else {}
        if provider == "chatcaptain":
            expected["export_columns"] = {text: "conversation_id", f"{text} ": "language"}
        assert values == expected
    config = config_folder.load(f"landing: {text}\nwarehouse: {text}\n" + write_account("inkeep", ""))
    assert (config.landing, config.warehouse) == (config_folder.path / text, text)


@pytest.mark.parametrize("text", ["0123", "007", "1-000", "1e3", "0x1f", "yes", "no", "2025-01-01", "true", "'null'"])
def test_a_name_keeps_its_characters(config_folder: ConfigFolder, text: str) -> None:
    config = config_folder.load(write_account("inkeep", "", name=text))
    assert [account.name for account in config.accounts] == [text.strip("'")]
    assert config.select_accounts([text.strip("'")]) == config.accounts


@pytest.mark.parametrize("text", ["0123", "yes", "1e3", "2025-01-01"])
def test_a_text_in_a_list_of_allowed_texts_is_refused_as_written(config_folder: ConfigFolder, text: str) -> None:
    (problem,) = config_folder.list_problems(write_account("inkeep", f"  streams: [{text}]\n"))
    assert problem.startswith(f"chatmart.yaml: account acme: streams: there is no stream {text};")


@pytest.mark.parametrize("text", ["0123", "12:30:45", "null", "1e3"])
def test_a_text_from_a_variable_or_in_quotes_keeps_its_characters(
    config_folder: ConfigFolder, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT", text)
    for written in ("${BOT}", f"'{text}'", f'"{text}"'):
        account: Any = config_folder.load(write_account("chatlayer", f"  bot_id: {written}\n")).accounts[0]
        assert account.bot_id == text


@pytest.mark.parametrize("written", ["", "null", "~", "NULL", "!!null x"])
def test_no_value_is_a_missing_setting_and_never_a_text(config_folder: ConfigFolder, written: str) -> None:
    assert config_folder.list_problems(write_account("chatlayer", f"  bot_id: {written}\n  timezone: {written}\n")) == [
        "chatmart.yaml: account acme: timezone: has no value; give it one, or leave the key out",
        "chatmart.yaml: account acme: bot_id: is missing",
    ]


def test_merged_keys_aliases_and_texts_of_several_lines_work(config_folder: ConfigFolder) -> None:
    text = (
        "accounts:\n- &first\n  provider: chatlayer\n  name: '01'\n  bot_id: &id 0123\n"
        "  rate_limit: &rate {requests: 7}\n"
        "  token_id: ${ACME_KEY}\n  token_secret: ${ACME_KEY}\n"
        "- <<: *first\n  name: '02'\n  conversation_ids: [*id]\n  rate_limit: {<<: *rate, concurrency: 2}\n"
        "- <<: *first\n  name: '03'\n  bot_id: |-\n    01\n    02\n"
    )
    first, second, third = (account for account in config_folder.load(text).accounts)
    assert [account.external_id for account in (first, second, third)] == ["0123/LIVE", "0123/LIVE", "01\n02/LIVE"]
    assert second.model_dump()["conversation_ids"] == ("0123",)
    assert (second.rate_limit.requests, second.rate_limit.concurrency) == (7, 2)


def test_a_mapping_that_merges_another_may_be_merged_itself(config_folder: ConfigFolder) -> None:
    text = (
        "defaults:\n  rate_limit: &own {<<: {requests: 7, concurrency: 3}, concurrency: 2}\n"
        + write_account("inkeep", "")
        + "  rate_limit: {<<: *own}\n"
    )
    assert config_folder.load(text).accounts[0].rate_limit.requests == 7


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("lookback_days", "3", 3),
        ("lookback_days", "'3'", 3),
        ("lookback_days", "+3", 3),
        ("lookback_days", "03", 3),
        ("lookback_days", "08", 8),
        ("max_wait_seconds", "2", 2.0),
        ("max_wait_seconds", "0.5", 0.5),
        ("max_wait_seconds", ".5", 0.5),
        ("detail", "false", False),
        ("detail", "True", True),
        ("detail", "no", False),
        ("detail", "ON", True),
        ("start_date", "2025-01-01", date(2025, 1, 1)),
        ("start_date", "'2025-01-01'", date(2025, 1, 1)),
        ("start_date", "null", None),
    ],
)
def test_numbers_flags_and_days_are_read(config_folder: ConfigFolder, key: str, text: str, value: object) -> None:
    account = config_folder.load(write_account("inkeep", f"  {key}: {text}\n")).accounts[0]
    assert getattr(account, key) == value
    assert type(getattr(account, key)) is type(value)


@pytest.mark.parametrize(
    ("key", "texts", "problem"),
    [
        (
            "lookback_days",
            ("1_000", "0x1F", "1e3", "' 3 '", "3.0", "1,000", "yes", "''", "٣", "0o7", "1:30", "three"),
            "is no whole number; write it in digits alone, as in 30",
        ),
        (
            "lookback_days",
            ("010", "-0011"),
            "begins with 0, which some programs read as an octal number; write it without the 0",
        ),
        (
            "max_wait_seconds",
            ("1_000", "0x1F", "1e3", ".inf", ".nan", "nan", "inf", "1,5", "1:30", "' 3 '", "true"),
            "is no number; write it in digits with a decimal point, as in 30 or 0.5",
        ),
        (
            "detail",
            ("1", "0", "y", "N", "t", "tRUE", "' true'", "''"),
            "is neither true nor false; write one of the two",
        ),
        (
            "start_date",
            ("20250101", "1735689600", "2025-1-1", "2025-01-01 00:00:00", "2025-01-01T00:00:00Z", "01.02.2025", "2025"),
            "is no day; write it as in 2025-01-31",
        ),
        ("start_date", ("2025-02-29",), "there is no day 2025-02-29"),
        ("start_date", ("2025-13-01",), "there is no day 2025-13-01"),
    ],
)
def test_a_text_that_can_be_read_in_two_ways_is_refused(
    config_folder: ConfigFolder, key: str, texts: tuple[str, ...], problem: str
) -> None:
    for text in texts:
        assert config_folder.list_problems(write_account("inkeep", f"  {key}: {text}\n")) == [
            f"chatmart.yaml: account acme: {key}: {problem}"
        ]


def test_settings_of_the_whole_file_and_in_lists_follow_the_same_rules(config_folder: ConfigFolder) -> None:
    text = "schedule: {hour: 05, providers: {inkeep: {minute: 08}}}\nretention: {landing_days: 400}\n"
    config = config_folder.load(
        text + write_account("chatcaptain", "  chatbot_id: 1\n  export_poll_seconds: [1, 2.5]\n")
    )
    assert (config.schedule.hour, config.schedule.provider_time("inkeep").minute) == (5, 8)
    assert config.settings.retention.landing_days == 400
    assert config.accounts[0].model_dump()["export_poll_seconds"] == (1.0, 2.5)
    wrong = "schedule: {hour: 1e0}\ncatch_up_days: 1_0\ndefaults: {start_date: 2025-02-29}\n" + write_account(
        "inkeep", ""
    )
    assert config_folder.list_problems(wrong) == [
        "chatmart.yaml: catch_up_days: is no whole number; write it in digits alone, as in 30",
        "chatmart.yaml: defaults.start_date: there is no day 2025-02-29",
        "chatmart.yaml: schedule.hour: is no whole number; write it in digits alone, as in 30",
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=0123 # comment", "0123"),
        ("KEY=1_000  ", "1_000"),
        ("export KEY='0123 '", "0123 "),
        ('KEY="a # b"', "a # b"),
        ("KEY=a${HOME}b", "a${HOME}b"),
        ("KEY='a${HOME}b$c'", "a${HOME}b$c"),
        ("KEY=a#b", "a#b"),
        ("\ufeffKEY=0123", "0123"),
    ],
)
def test_a_value_in_env_keeps_its_characters(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n", "utf-8")
    assert configuration.read_env(tmp_path) == {"KEY": value}


def test_a_line_of_env_that_is_no_assignment_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# keys\nA=1\nKEY='fake-open\n")
    with pytest.raises(ConfigError) as caught:
        configuration.read_env(tmp_path)
    assert caught.value.problems == [".env: line 3 is not NAME=value; check its quotes"]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_document_written_as_yaml_reads_back_as_it_was(config_folder: ConfigFolder, text: str) -> None:
    document = {"accounts": [{"provider": "chatdash", "name": "x", "project_id": text, "api_key": "${ACME_KEY}"}]}
    assert config_folder.load(yaml.safe_dump(document)).accounts[0].external_id == text
