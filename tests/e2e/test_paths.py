"""A project below folders with awkward names: every command gives what it gives in a plain folder."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

DAYS = days_from(date(2025, 10, 30), 2)
ACCOUNTS = tuple(
    replace(account, daily_conversations=12)
    for account in {account.provider: account for account in SAMPLE_ACCOUNTS}.values()
    if account.provider in ("cognigy", "chatcaptain")
)
SETTINGS = {
    account.name: {"export_poll_seconds": [0.05, 0.1]} for account in ACCOUNTS if account.provider == "chatcaptain"
}
PLACES = {
    "duckdb": "duckdb://data/warehouse.duckdb",
    "parquet": "parquet://data/lake",
    "delta": "delta://da?ta#1/de?lta [x]*=1",
}
AWKWARD_PLACES = {
    "duckdb": "duckdb://da?ta#1/we?rd%20\\[x]*.duckdb",
    "parquet": "parquet://da?ta#1/la?ke%20\\[x]*=1",
    "delta": PLACES["delta"],
}
FOLDERS = [
    "conversations=1/type=prod/date=2020-01-01/c1=x/stream=y",
    "what?mode=ro",
    "[!a] **",
    "back\\slash\\",
    'it\'s; "x" $HOME #1 %3F {a,b} Ü ~ --',
    "\\?*[all]{of},them=1#;%'\"",
]
EVERYTHING = len(FOLDERS) - 1
COUNTS = "SELECT count(*) AS n, sum(conversations) AS sum FROM conversation_daily"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(5, ACCOUNTS)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def expected_contents(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The rows of all views after a load in a plain folder."""
    product = Installation(tmp_path_factory.mktemp("plain"), sandbox, ACCOUNTS, SETTINGS)
    assert product.load(DAYS).is_ok
    contents = product.read_all_views()
    assert product.compare_with_truth(DAYS)[1] == []
    return contents


@pytest.mark.e2e
@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(
    "number", [number if number == EVERYTHING else pytest.param(number, marks=pytest.mark.long)
               for number in range(len(FOLDERS))]
)  # fmt: skip
def test_every_command_below_an_awkward_folder(
    tmp_path: Path, sandbox: Sandbox, expected_contents: dict[str, list[str]], kind: str, number: int
) -> None:
    folder = tmp_path / FOLDERS[number]
    folder.mkdir(parents=True)
    (tmp_path / "what.wal?mode=ro").mkdir()  # where DuckDB would put a log beside the project
    place = AWKWARD_PLACES[kind] if number == EVERYTHING else PLACES[kind]
    product = Installation(folder, sandbox, ACCOUNTS, SETTINGS, place)
    if kind == "delta" and not {"\\", "%"}.isdisjoint(FOLDERS[number]):
        assert "has a backslash or a percent sign" in product.run("status", exit_code=2).err
        return
    product.backfill(DAYS[0], DAYS[-1])
    assert product.read_all_views() == expected_contents
    assert product.compare_with_truth(DAYS)[1] == []
    product.run("check")
    status = json.loads(product.run("status", "--json").out)
    assert {account["account"] for account in status["accounts"]} == {account.name for account in ACCOUNTS}
    plain = product.query(COUNTS)
    for name in ("out.csv", "out.json", "out.parquet"):
        product.run("sql", COUNTS, "--output", name)
    assert json.loads((folder / "out.json").read_text()) == plain
    assert pq.read_table(folder / "out.parquet").num_rows == 1
    product.run("report", "--output", "report.html")
    assert "<svg" in (folder / "report.html").read_text("utf-8")
    product.run("maintain")
    for path in product.store.location.parent.iterdir():
        if path.name != "landing":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    product.run("replay")
    assert product.read_all_views() == expected_contents
    assert [path.name for path in tmp_path.rglob("*.wal*")] == ["what.wal?mode=ro"]
    assert not any((tmp_path / "what.wal?mode=ro").iterdir())
