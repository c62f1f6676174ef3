import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipelines.cli import main as command
from tests.support.command import run_chatmart

CHATMART = Path(sys.executable).with_name("chatmart")


@pytest.fixture(autouse=True)
def _work_in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)


def make_command_fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(command.cli, "main", fail)


def test_help_is_data_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["-h"], ["backfill", "--help"]):
        result = run_chatmart(capsys, *arguments)
        assert (result.exit_code, result.err) == (0, "")
        assert result.out.startswith("Usage: chatmart")
    assert all(name in run_chatmart(capsys, "--help").out for name in ("demo", "load", "backfill", "sql", "status"))
    assert run_chatmart(capsys, "--version").out.startswith("chatmart, version ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--nonsense"], ["sql", "--format", "xml"], ["backfill"], ["load", "x"]]
)
def test_wrong_use_is_2_and_says_what_is_right(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    result = run_chatmart(capsys, *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert "Usage: chatmart" in result.err
    assert "Error: " in result.err


@pytest.mark.parametrize("name", ["load", "sql", "status"])
def test_no_configuration_is_2(capsys: pytest.CaptureFixture[str], name: str) -> None:
    result = run_chatmart(capsys, name, *(["select 1"] if name == "sql" else []))
    assert (result.exit_code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith("there is no configuration at ")
    assert "chatmart demo" in line


def test_a_wrong_configuration_is_2_with_a_line_for_each_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "chatmart.yaml").write_text("x: 1\naccounts:\n- {name: a, provider: b}\n")
    result = run_chatmart(capsys, "load")
    assert result.exit_code == 2
    assert [line.split(": is")[0] for line in result.err.splitlines()] == [
        "chatmart.yaml: x",
        "chatmart.yaml: account a: provider",
    ]


@pytest.mark.parametrize("warehouse", ["postgres://x", "duckdb://", "x.duckdb"])
def test_an_address_of_no_store_is_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: str
) -> None:
    monkeypatch.setenv("KEY", "fake-key")
    (tmp_path / "chatmart.yaml").write_text(
        f"warehouse: {warehouse}\naccounts:\n- {{name: a, provider: inkeep, api_key: '${{KEY}}'}}\n"
    )
    result = run_chatmart(capsys, "load")
    assert result.exit_code == 2
    assert "duckdb://data/warehouse.duckdb" in result.err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted; committed days stay loaded"),
        (OSError(28, "No space left on device", "data/x"), 1, "data/x: No space left on device; free some space there"),
    ],
)
def test_other_errors_end_with_their_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, says: str
) -> None:
    make_command_fail(monkeypatch, error)
    result = run_chatmart(capsys, "load")
    assert (result.exit_code, result.out) == (code, "")
    assert result.err.startswith(says)
    assert "Traceback" not in result.err


def test_the_traceback_is_printed_with_verbose_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Traceback" not in run_chatmart(capsys, "load").err
    result = run_chatmart(capsys, "--verbose", "load")
    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("there is no configuration")


FAILING_PROGRAM = """
import sys
from extractors import redaction
from pipelines.cli import main
redaction.register_secrets("planted-secret")
def fail(*_a, **_k):
    raise RuntimeError("planted-secret is wrong")
main.cli.main = fail
main.main(sys.argv[1:])
"""


def test_an_unexpected_error_is_one_sentence_without_secrets() -> None:
    for arguments, has_traceback in (([], False), (["--verbose"], True)):
        done = subprocess.run(
            [sys.executable, "-c", FAILING_PROGRAM, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "planted-secret" not in done.stderr
        assert done.stderr.splitlines()[-1] == (
            "the program failed (RuntimeError: [redacted] is wrong); please report it, with --verbose"
        )
        assert ("Traceback" in done.stderr) == has_traceback


def test_the_installed_program_answers() -> None:
    done = subprocess.run([CHATMART, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("chatmart, version ")


COMMANDS = command.cli.list_commands(click.Context(command.cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_common_options_in_its_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    help_text = run_chatmart(capsys, name, "--help").out
    own, _, common = help_text.partition("Common options, before or after the command:")
    options = ["--config"] if name == "dev" else ["--config", "--verbose", "--log-level", "--log-format"]
    assert all(option in common and option not in own for option in options)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("dev", "sandbox", "demo")])
def test_common_options_work_before_and_after_every_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    more = {
        "sql": ["select 1"],
        "backfill": ["--from", "2025-01-01", "--to", "2025-01-02"],
        "completion": ["bash"],
        "show": ["--user", "x"],
        "views": ["--dialect", "spark"],
        "export": ["dbt", str(tmp_path / "export")],
        "forget": ["--account", "a", "--user", "x"],
    }
    arguments = more.get(name, [])
    options = ["--config", "other.yaml", "--verbose", "--log-level", "error", "--log-format", "json"]
    before = run_chatmart(capsys, *options, name, *arguments)
    after = run_chatmart(capsys, name, *arguments, *options)
    between = run_chatmart(capsys, name, *options, *arguments)
    assert before.exit_code == after.exit_code == between.exit_code
    assert before.out == after.out == between.out
    assert _without_times(before.err) == _without_times(after.err) == _without_times(between.err)
    if name not in ("init", "completion", "views"):
        assert str(tmp_path / "other.yaml") in before.err


def _without_times(log: str) -> list[dict[str, object]]:
    return [{**json.loads(line), "timestamp": ""} for line in log.splitlines() if line.startswith("{")]


def test_a_common_option_after_the_command_counts_more_than_one_before(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATMART_LOG", "json")
    result = run_chatmart(capsys, "--config", "a.yaml", "load", "--config", "b.yaml", "--log-format", "text")
    assert result.err.startswith(f"there is no configuration at {tmp_path / 'b.yaml'}")
    result = run_chatmart(capsys, "--config", "a.yaml", "--log-format", "text", "load")
    assert result.err.startswith(f"there is no configuration at {tmp_path / 'a.yaml'}")
    assert json.loads(run_chatmart(capsys, "load").err)["level"] == "error"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["sql", "SELECT 1"], 2), (["nonsense"], 2)])
def test_an_abort_at_the_end_of_the_process_is_no_failure(tmp_path: Path, arguments: list[str], code: int) -> None:
    aborting = "import atexit, os; atexit.register(os.abort); from pipelines.cli.main import main; main()"
    program = tmp_path / "chatmart"
    program.write_text(aborting)
    done = subprocess.run(
        [sys.executable, program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stdout + done.stderr != ""
