"""The chatmart of a path, the commands of its help, and the light server."""

import json
import urllib.request
from pathlib import Path

import pytest

from benchmarks.compare.__main__ import choose_chatmarts, parse_options
from benchmarks.compare.contestants import find_chatmart, parse_commands, write_config
from benchmarks.compare.programs.days import ACCOUNTS, REQUESTS, build_query, list_days
from benchmarks.compare.server import count_conversations, expected_conversations, run_server, write_csv

HELP = """Usage: chatmart [OPTIONS] COMMAND

Options:
  -h, --help  Show this message and exit.

Commands:
  load      Load days
            of accounts.
  status    Show days.
"""


def make_checkout(folder: Path) -> Path:
    (folder / "pipelines").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    command = folder / ".venv" / "bin" / "chatmart"
    command.parent.mkdir(parents=True)
    command.touch()
    return command


def test_a_checkout_and_its_command_are_the_same(tmp_path: Path) -> None:
    command = make_checkout(tmp_path / "earlier")
    chatmart = find_chatmart("before", tmp_path / "earlier")
    assert chatmart == find_chatmart("before", command)
    assert chatmart.command == command
    assert chatmart.environment == {"PYTHONPATH": str(tmp_path / "earlier")}


def test_a_checkout_with_a_linked_environment_runs_its_own_modules(tmp_path: Path) -> None:
    make_checkout(tmp_path / "main")
    (tmp_path / "other" / "pipelines").mkdir(parents=True)
    (tmp_path / "other" / "pyproject.toml").touch()
    (tmp_path / "other" / ".venv").symlink_to(tmp_path / "main" / ".venv")
    assert find_chatmart("other", tmp_path / "other").checkout == tmp_path / "other"


def test_an_installed_command_runs_what_is_installed(tmp_path: Path) -> None:
    command = tmp_path / "environment" / "bin" / "chatmart"
    command.parent.mkdir(parents=True)
    command.touch()
    chatmart = find_chatmart("release", command)
    assert (chatmart.checkout, chatmart.environment) == (None, {"PYTHONPATH": ""})


def test_a_path_without_a_command_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not exist"):
        find_chatmart("before", tmp_path)


def test_further_versions_are_measured_in_turn(tmp_path: Path) -> None:
    make_checkout(tmp_path)
    options = parse_options(["--also", f"before={tmp_path}"])
    assert [chatmart.name for chatmart in choose_chatmarts(options)] == ["chatmart", "before"]
    options = parse_options(["--also", f"before={tmp_path}", "--only", "before status", "floor"])
    assert [chatmart.name for chatmart in choose_chatmarts(options)] == ["before"]


@pytest.mark.parametrize("option", [("--days", "14"), ("--only", "floor"), ("--also", "before=x"), ("--chatmart", "x")])
def test_only_whole_workloads_of_this_checkout_are_written(option: tuple[str, str]) -> None:
    assert parse_options(["--write", "--workload", "year", "kill"]).workload == ["year", "kill"]
    with pytest.raises(SystemExit):
        parse_options(["--write", *option])


def test_the_commands_of_a_help_text() -> None:
    assert parse_commands(HELP) == ["load", "status"]


def test_days_of_all_accounts_come_first() -> None:
    days = list_days(REQUESTS)
    assert len(set(days)) == REQUESTS
    assert [project for project, _ in days[:4]] == list(ACCOUNTS)
    assert expected_conversations(1) == count_conversations(*days[0])


def test_a_configuration_has_the_accounts(tmp_path: Path) -> None:
    write_config(tmp_path, [{"name": "a"}], defaults={"lookback_days": 0})
    document = json.loads((tmp_path / "chatmart.yaml").read_text())
    assert document == {"defaults": {"lookback_days": 0}, "accounts": [{"name": "a"}]}


def test_the_server_serves_and_counts(tmp_path: Path) -> None:
    write_csv(tmp_path / "export.csv", 3)
    project, day = list_days(1)[0]
    with run_server(tmp_path / "export.csv") as server:
        body = json.dumps(build_query(day)).encode()
        with urllib.request.urlopen(f"{server.origin}/projects/{project}/analytics/query", body) as response:
            assert json.load(response)["conversations"]["total"] == count_conversations(project, day)
        export = f"{server.origin}/v1/chatbots/c1/statistics/export"
        with urllib.request.urlopen(f"{export}?from=x", b"") as response:
            assert (response.status, json.load(response)) == (202, {"exportId": "e1"})
        with urllib.request.urlopen(f"{export}/e1") as response:
            link = json.load(response)["downloadUrl"]
        with urllib.request.urlopen(link) as response:
            assert len(response.read().splitlines()) == 4
        assert server.take_request_count() == 4
        assert server.take_request_count() == 0
