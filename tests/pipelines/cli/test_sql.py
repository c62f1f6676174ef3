import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandbox.server import Sandbox
from tests.support.command import chatmart
from tests.support.shop import Shop, open_sandbox

CHATMART = Path(sys.executable).with_name("chatmart")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with open_sandbox() as sandbox:
        shop = Shop(tmp_path_factory.mktemp("shop"), sandbox)
        assert shop.backfill(date(2025, 1, 1), date(2025, 12, 31)).ok
        yield shop.configure()


def run(
    config: Path, *arguments: str, feed: str | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [CHATMART, "--config", config, "sql", *arguments],
        input=feed.encode() if feed is not None else None,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_each_format_is_data_on_standard_output(loaded: Path, tmp_path: Path) -> None:
    query = "SELECT date, conversations FROM conversation_daily ORDER BY date"
    done = {form: run(loaded, query, "--format", form) for form in ("table", "csv", "json", "parquet")}
    assert {(each.returncode, each.stderr) for each in done.values()} == {(0, b"")}
    rows = json.loads(done["json"].stdout)
    assert len(rows) == 365
    assert rows[0]["date"] == "2025-01-01"
    assert done["csv"].stdout.decode().splitlines() == [
        "date,conversations",
        *(f"{row['date']},{row['conversations']}" for row in rows),
    ]
    assert len(done["table"].stdout.splitlines()) == 366
    assert b"\x1b" not in done["table"].stdout
    answer = tmp_path / "answer.parquet"
    answer.write_bytes(done["parquet"].stdout)
    assert [str(day) for day in pq.read_table(answer).column("date").to_pylist()] == [row["date"] for row in rows]


def test_a_reader_that_stops_early_is_no_error(loaded: Path) -> None:
    for form in ("table", "csv", "json", "parquet"):
        for rows in ("1", "200000"):
            command = (
                f"'{CHATMART}' --config '{loaded}' sql 'SELECT repeat(chr(55), 50) FROM range({rows})' --format {form}"
            )
            done = subprocess.run(
                ["bash", "-c", f"set -o pipefail; {command} | head -c 5 >/dev/null"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stderr == "", (form, rows)
            assert done.returncode in (0, 141), (form, rows)


def test_a_query_comes_from_an_argument_a_file_or_standard_input(loaded: Path, tmp_path: Path) -> None:
    path = tmp_path / "question.sql"
    path.write_text("-- how many\nSELECT count(*) AS n FROM conversation_daily\n")
    for done in (
        run(loaded, str(path), "--format", "json"),
        run(loaded, "--format", "json", feed=path.read_text()),
        run(loaded, "-", "--format", "json", feed=path.read_text()),
    ):
        assert json.loads(done.stdout) == [{"n": 365}]


def test_colour_is_for_terminals_that_want_it(loaded: Path) -> None:
    query = "SELECT channel_code FROM channel_daily LIMIT 1"
    assert b"\x1b" not in run(loaded, query).stdout
    assert b"\x1b[3" not in run(loaded, query, NO_COLOR="1", FORCE_COLOR="1").stdout


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("selec", "syntax error"),
        ("SELECT nothing FROM conversation_daily", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT 1/'a'", "Conversion Error"),
        ("DELETE FROM load_ledger", "read-only"),
        ("CREATE TABLE x (a INTEGER)", "read-only"),
    ],
)
def test_a_wrong_question_is_2(loaded: Path, capsys: pytest.CaptureFixture[str], query: str, says: str) -> None:
    said = chatmart(capsys, "--config", loaded, "sql", query)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert "Traceback" not in said.err


def test_nothing_to_ask_or_nothing_to_read(
    loaded: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "the query is empty" in chatmart(capsys, "--config", loaded, "sql", " ").err
    assert "there is no file no.sql" in chatmart(capsys, "--config", loaded, "sql", "no.sql").err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert chatmart(capsys, "--config", loaded, "sql").code == 2
    said = chatmart(capsys, "--config", Shop(tmp_path, sandbox).configure(), "sql", "SELECT 1")
    assert said.code == 1
    assert "load something first" in said.err


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


def test_instants_and_decimals_in_json(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT fetched_at, 1.50::DECIMAL(9,3) AS d FROM load_ledger LIMIT 1"
    said = chatmart(capsys, "--config", loaded, "sql", query, "--format", "json")
    assert said.out.startswith('[{"fetched_at": "2026-01-10T12:0')
    assert said.out.rstrip().endswith('Z", "d": 1.5}]')
