import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from threading import Thread

import pyarrow.parquet as pq
import pytest

from pipelines.cli.main import main
from sandbox.server import Sandbox
from tests.support.command import run_chatmart
from tests.support.sample_world import SampleWorld, open_sandbox

CHATMART = Path(sys.executable).with_name("chatmart")
DAYS = 120  # more rows than a terminal shows


@pytest.fixture(scope="module")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with open_sandbox() as sandbox:
        world = SampleWorld(tmp_path_factory.mktemp("world"), sandbox)
        assert world.backfill(date(2025, 1, 1), date(2025, 4, 30)).is_ok
        yield world.configure()


def run_process(config: Path, *arguments: str, feed: str | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [CHATMART, "--config", config, "sql", *arguments],
        input=feed.encode() if feed is not None else None,
        capture_output=True,
        check=False,
    )


def test_every_format_is_data_on_standard_output(
    config_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT date, conversations FROM conversation_daily ORDER BY date"
    table, csv, as_json = (
        run_chatmart(capsys, "--config", config_path, "sql", query, "--format", form)
        for form in ("table", "csv", "json")
    )
    parquet = run_process(config_path, query, "--format", "parquet")
    assert {(result.exit_code, result.err) for result in (table, csv, as_json)} == {(0, "")}
    assert (parquet.returncode, parquet.stderr) == (0, b"")
    rows = json.loads(as_json.out)
    assert len(rows) == DAYS
    assert rows[0]["date"] == "2025-01-01"
    assert csv.out.splitlines() == [
        "date,conversations",
        *(f"{row['date']},{row['conversations']}" for row in rows),
    ]
    assert len(table.out.splitlines()) == DAYS + 1
    assert "\x1b" not in table.out
    answer = tmp_path / "answer.parquet"
    answer.write_bytes(parquet.stdout)
    assert [str(day) for day in pq.read_table(answer).column("date").to_pylist()] == [row["date"] for row in rows]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("table", 10_000),  # several times what a pipe holds
        ("parquet", 10_000),
        *(
            pytest.param(form, rows, marks=pytest.mark.long)
            for form in ("table", "csv", "json", "parquet")
            for rows in (1, 200_000)
        ),
    ],
)
def test_a_reader_that_stops_early_is_no_error(config_path: Path, form: str, rows: int) -> None:
    query = f"SELECT repeat(md5(range::VARCHAR), 2) FROM range({rows})"
    command = f"'{CHATMART}' --config '{config_path}' sql '{query}' --format {form}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -c 5 >/dev/null"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 141)


def test_a_query_comes_from_an_argument_a_file_or_standard_input(
    config_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "question.sql"
    path.write_text("-- how many\nSELECT count(*) AS n FROM conversation_daily\n")
    answers = [
        run_chatmart(capsys, "--config", config_path, "sql", path, "--format", "json").out,
        run_process(config_path, "--format", "json", feed=path.read_text()).stdout,
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO(path.read_text()))
    answers.append(run_chatmart(capsys, "--config", config_path, "sql", "-", "--format", "json").out)
    assert [json.loads(answer) for answer in answers] == [[{"n": DAYS}]] * 3


def test_no_colour_in_a_pipe_or_with_no_color(
    config_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "SELECT channel_code FROM channel_daily LIMIT 1"
    assert "\x1b" not in run_chatmart(capsys, "--config", config_path, "sql", query).out
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[3" not in run_chatmart(capsys, "--config", config_path, "sql", query).out


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("selec", "syntax error"),
        ("SELECT nothing FROM conversation_daily", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT 1/'a'", "Conversion Error"),
        ("DELETE FROM books.load_ledger", "read-only"),
        ("CREATE TABLE x (a INTEGER)", "read-only"),
    ],
)
def test_a_wrong_query_is_2(config_path: Path, capsys: pytest.CaptureFixture[str], query: str, says: str) -> None:
    result = run_chatmart(capsys, "--config", config_path, "sql", query)
    assert (result.exit_code, result.out) == (2, "")
    assert says in result.err
    assert "Traceback" not in result.err


def test_no_query_or_no_warehouse(
    config_path: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "the query is empty" in run_chatmart(capsys, "--config", config_path, "sql", " ").err
    assert "there is no file no.sql" in run_chatmart(capsys, "--config", config_path, "sql", "no.sql").err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run_chatmart(capsys, "--config", config_path, "sql").exit_code == 2
    result = run_chatmart(capsys, "--config", SampleWorld(tmp_path, sandbox).configure(), "sql", "SELECT 1")
    assert result.exit_code == 1
    assert "load something first" in result.err


def test_instants_and_decimals_in_json(config_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT fetched_at, 1.50::DECIMAL(9,3) AS d FROM load_ledger LIMIT 1"
    result = run_chatmart(capsys, "--config", config_path, "sql", query, "--format", "json")
    assert result.out.startswith('[{"fetched_at": "2026-01-10T12:0')
    assert result.out.rstrip().endswith('Z", "d": 1.5}]')


def test_several_statements_are_several_tables_and_no_csv(
    config_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "create temp table x as select 3 as a; select a from x; select count(*) as n from conversation_daily, x;"
    result = run_chatmart(capsys, "--config", config_path, "sql", query)
    assert result.out.split() == ["a", "3", "n", str(DAYS)]
    result = run_chatmart(capsys, "--config", config_path, "sql", query, "--format", "csv")
    assert (result.exit_code, result.out) == (2, "")
    assert "run them one by one" in result.err
    result = run_chatmart(capsys, "--config", config_path, "sql", query.rpartition("select")[0], "--format", "json")
    assert json.loads(result.out) == [{"a": 3}]


def test_a_file_is_named_for_its_format_and_appears_whole(
    config_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT date, conversations FROM conversation_daily ORDER BY date LIMIT 2"
    for name, options in (
        ("a.csv", []),
        ("a.json", []),
        ("a.parquet", []),
        ("a.txt", []),
        ("b.txt", ["--format", "csv"]),
    ):
        result = run_chatmart(capsys, "--config", config_path, "sql", query, "--output", tmp_path / name, *options)
        assert (result.exit_code, result.out, result.err) == (0, "", "")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.txt").read_text()
    assert (tmp_path / "a.csv").read_text().startswith("date,conversations\n2025-01-01,")
    assert [row["date"] for row in json.loads((tmp_path / "a.json").read_text())] == ["2025-01-01", "2025-01-02"]
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 2
    assert (tmp_path / "a.txt").read_text().startswith("date        conversations\n")
    before = sorted(tmp_path.iterdir())
    result = run_chatmart(capsys, "--config", config_path, "sql", query, "--output", tmp_path / "a.xls")
    assert (result.exit_code, "no format has the ending .xls" in result.err) == (2, True)
    result = run_chatmart(
        capsys, "--config", config_path, "sql", query, "--output", tmp_path / "a.json", "--excel-safe"
    )
    assert (result.exit_code, "--excel-safe is for CSV, and this is json" in result.err) == (2, True)
    assert run_chatmart(capsys, "--config", config_path, "sql", "selec", "--output", tmp_path / "a.csv").exit_code == 2
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.txt").read_text()
    assert sorted(tmp_path.iterdir()) == before


def test_a_result_may_go_to_a_device(config_path: Path) -> None:
    done = run_process(config_path, "SELECT 1 AS n", "--format", "csv", "--output", "/dev/stdout")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"n\n1\n", b"")


def test_views_are_listed_and_described(config_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_chatmart(capsys, "--config", config_path, "sql", "--list")
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.startswith("totals\nconversation_daily  ")
    catalog = json.loads(run_chatmart(capsys, "--config", config_path, "sql", "--list", "--format", "json").out)
    assert {"conversation_daily", "coverage"} <= {view["name"] for view in catalog["views"]}
    for arguments in (["--describe", "channel_daily"], ["--list", "channel_daily"]):
        result = run_chatmart(capsys, "--config", config_path, "sql", *arguments)
        assert result.out.startswith("channel_daily (breakdowns)\n")
    result = run_chatmart(capsys, "--config", config_path, "sql", "--describe", "chanel_daily")
    assert (result.exit_code, result.out) == (2, "")
    assert "did you mean channel_daily" in result.err


@pytest.fixture
def show(config_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that runs the command in a window of 80 columns and returns its lines, with standard error."""
    for name, value in {"COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)

    def run_on_a_terminal(*arguments: str) -> list[str]:
        ours, theirs = pty.openpty()
        pieces: list[bytes] = []
        reader = Thread(target=lambda: pieces.extend(read_terminal(ours)))
        reader.start()
        with os.fdopen(theirs, "w") as window, monkeypatch.context() as streams:
            streams.setattr("sys.stdout", window)
            streams.setattr("sys.stderr", window)
            with pytest.raises(SystemExit):
                main(["--config", str(config_path), "sql", *arguments])
        reader.join()
        os.close(ours)
        return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(pieces).decode()).splitlines()

    return run_on_a_terminal


def read_terminal(end: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # Linux raises it when the other end is closed
        while piece := os.read(end, 65536):
            yield piece


def test_a_terminal_shows_types_units_and_omissions(show: Callable[..., list[str]]) -> None:
    lines = show("SELECT date, conversations FROM conversation_daily ORDER BY date LIMIT 2")
    assert lines[0].split() == ["date", "conversations"]
    assert lines[1] == "DATE        BIGINT · conversations"
    assert lines[2].startswith("2025-01-01 ")
    assert re.fullmatch(r"2 rows in \d+\.\d\d s", lines[4])
    lines = show("SELECT * FROM conversation_daily")
    assert len(lines) >= 104
    assert f"{DAYS - 100} of the rows are not shown (--rows 0 shows all); no room for " in " ".join(lines[-3:])
    assert max(map(len, lines[:-3])) <= 80
    lines = show("SELECT 7 AS n", "--no-types", "--rows", "1")
    assert lines[:2] == ["n", "7"]
    assert any("sql '…' --output answer.parquet" in line for line in show("SELECT 1", "--format", "parquet"))


def test_a_pipe_shows_types_with_the_option(config_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT date FROM conversation_daily ORDER BY date"
    result = run_chatmart(capsys, "--config", config_path, "sql", query, "--types", "--rows", "1")
    assert result.out == "date\nDATE\n2025-01-01\n"
    assert f"{DAYS - 1} of the rows are not shown" in result.err
