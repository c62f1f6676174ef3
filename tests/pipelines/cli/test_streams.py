"""The command on terminals that lack characters, as processes: a value or a sentence, never a crash."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.streams import decode_argument
from tests.support.installation import CHATMART
from tests.support.sample_world import SampleWorld, open_sandbox

ROOT = Path(__file__).parents[3]
TERMINALS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
}


@pytest.fixture(scope="module")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with open_sandbox() as sandbox:
        world = SampleWorld(tmp_path_factory.mktemp("wörld"), sandbox)
        assert world.backfill(date(2025, 1, 1), date(2025, 1, 2)).is_ok
        yield world.configure()


def run_command(
    config: Path, terminal: str, *arguments: str | bytes, feed: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **TERMINALS[terminal]}
    command: list[str | bytes] = [str(CHATMART), "--config", str(config), *arguments]
    done = subprocess.run(command, env=environment, input=feed, capture_output=True, check=False)
    assert b"the program failed" not in done.stderr
    return done


@pytest.mark.parametrize(
    "terminal", ["ascii", *(pytest.param(name, marks=pytest.mark.long) for name in ("C", "latin-1"))]
)
def test_a_query_and_its_result_on_any_terminal(config_path: Path, terminal: str) -> None:
    query = "SELECT 'Ü🙂' AS \"ä\""
    as_json = run_command(config_path, terminal, "sql", query, "--format", "json")
    assert json.loads(as_json.stdout) == [{"ä": "Ü🙂"}]
    assert run_command(config_path, terminal, "sql", query, "--format", "csv").stdout.decode() == "ä\nÜ🙂\n"
    table = run_command(config_path, terminal, "sql", query)
    assert (table.returncode, table.stderr) == (0, b"")
    assert table.stdout.endswith(b"\\ud83d\\ude42\n")
    wrong = run_command(config_path, terminal, "sql", "SELECT * FROM nowhereÜ")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert b"There is no view nowhere" in wrong.stderr


def test_text_that_is_no_utf8_is_refused(config_path: Path, tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_bytes(b"SELECT '\xdc'")
    for arguments, feed in (((b"SELECT '\xdc'",), b""), ((), b"SELECT '\xdc'"), ((str(tmp_path / "query.sql"),), b"")):
        refused = run_command(config_path, "ascii", "sql", *arguments, feed=feed)
        assert (refused.returncode, refused.stdout) == (2, b"")
        assert b"is not text in UTF-8" in refused.stderr
    fed = run_command(config_path, "C", "sql", "--format", "json", feed="SELECT 'Ü' AS v".encode())
    assert json.loads(fed.stdout) == [{"v": "Ü"}]


@pytest.mark.parametrize("terminal", ["ascii", pytest.param("C", marks=pytest.mark.long)])
def test_every_other_command_on_any_terminal(config_path: Path, tmp_path: Path, terminal: str) -> None:
    for arguments in (
        ["status"],
        ["sql", "--list"],
        ["sql", "--describe", "intent_daily"],
        ["check"],
        ["report", "--output", str(tmp_path / "report.html")],
        ["load", "--help"],
        ["--log-format", "json", "status"],
    ):
        assert run_command(config_path, terminal, *arguments).returncode == 0, arguments
    for arguments in (["status", "--json"], ["sql", "--list", "--format", "json"]):
        assert json.loads(run_command(config_path, terminal, *arguments).stdout.decode("utf-8"))


@pytest.mark.parametrize("query", ["SELECT 1", "Ü", "Ü".encode().decode("ascii", "surrogateescape")])
def test_a_query_of_the_locale_c_is_read_as_utf8(query: str) -> None:
    assert decode_argument(query) in ("SELECT 1", "Ü")
