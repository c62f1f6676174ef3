"""`chatmart check --repair`: what the landing zone or a new request can mend is mended, and named."""

import random
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import Installation, days_from

FIRST = date(2025, 3, 1)
DAYS = days_from(FIRST, 5)
STORES = {
    "duckdb": "duckdb://data/warehouse.duckdb",
    "parquet": "parquet://data/lake",
    "delta": "delta://data/delta",
}
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


@pytest.fixture(params=sorted(STORES))
def product(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with Sandbox() as sandbox:
        installation = Installation(tmp_path, sandbox, ONE_OF_EACH, warehouse_url=STORES[request.param])
        installation.backfill(DAYS[0], DAYS[-1])
        yield installation


def damage(path: Path) -> None:
    with path.open("r+b") as out:
        out.seek(path.stat().st_size // 2)
        out.write(bytes(range(1, 65)))


def list_data_files(product: Installation) -> tuple[list[Path], list[Path]]:
    """Return the files of what is committed, and of what is published."""
    data = product.folder / "data"
    if product.warehouse_url.startswith("duckdb"):
        return [data / "_warehouse.duckdb.loader"], [data / "warehouse.duckdb"]
    if product.warehouse_url.startswith("delta"):
        entries = sorted((data / "delta/_delta_log").glob("*.json"))
        written = (data / "delta/_table=fact_conversation_daily").rglob("*.parquet")
        return entries[-1:], [max(written, key=lambda path: path.stat().st_mtime_ns)]
    versions = list((data / "lake/_versions").glob("fact_conversation_daily*"))
    return [data / "lake/_loader.json"], [*versions, data / "lake/_manifest.json"]


def check_all_is_true(product: Installation) -> None:
    compared, lines = product.compare_with_truth(DAYS)
    assert compared
    assert lines == []
    again = product.run("check", "--repair")
    assert again.out == "nothing to repair: the warehouse is whole, and has every day that was landed\n"


@pytest.mark.e2e
def test_a_whole_installation_needs_no_repair_and_no_request(product: Installation) -> None:
    requests = len(product.sandbox.requests)
    check_all_is_true(product)
    assert len(product.sandbox.requests) == requests


@pytest.mark.e2e
@pytest.mark.parametrize("parts", [(0,), (1,), (0, 1)], ids=["committed", "published", "both"])
def test_damaged_files_of_the_warehouse_are_rebuilt(product: Installation, parts: tuple[int, ...]) -> None:
    files = [file for part in parts for file in list_data_files(product)[part]]
    for file in files:
        file.write_bytes(b"junk")
    checked = product.run("check", exit_code=1).out
    assert any(str(file) in checked for file in files)
    requests = len(product.sandbox.requests)
    result = product.run("check", "--repair")
    named = files if len(parts) == 1 else [file for file in files if file.suffix != ".parquet"]
    assert all(f"{file} is damaged (" in result.out for file in named), result.out
    assert "set aside" in result.out
    check_all_is_true(product)
    assert len(product.sandbox.requests) == requests, "the landing zone was enough"


@pytest.mark.e2e
@pytest.mark.parametrize("product", ["parquet"], indirect=True)
@pytest.mark.parametrize(
    "pattern",
    [
        "_versions/fact_conversation_daily.*",
        "_manifest.json",
        *(
            pytest.param(pattern, marks=pytest.mark.long)
            for pattern in ("_loader.json", "views.sql", "_versions/dim_account.*", "_versions/load_ledger.*")
        ),
    ],
)
def test_a_flipped_bit_in_any_file_of_a_lake_is_named_and_mended(product: Installation, pattern: str) -> None:
    lake = product.folder / "data/lake"
    file = max(lake.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(file.read_bytes())
    place = random.Random(pattern).randrange(len(content))
    content[place] ^= 1
    with file.open("r+b") as out:
        out.write(content)
    requests = len(product.sandbox.requests)
    assert str(file) in product.run("check", exit_code=1).out
    requests_of_check = len(product.sandbox.requests) - requests
    assert f"{file} is damaged (" in product.run("check", "--repair").out
    check_all_is_true(product)
    assert len(product.sandbox.requests) == requests + requests_of_check, "the landing zone was enough"
    assert "damaged" not in product.run("check").out


@pytest.mark.e2e
def test_a_lost_warehouse_is_built_anew(product: Installation) -> None:
    requests = len(product.sandbox.requests)
    for path in (product.folder / "data").iterdir():
        if path.name != "landing":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = product.run("check", "--repair")
    assert result.out.count("loading from the landing zone: 2025-03-01 to 2025-03-05") == len(ONE_OF_EACH)
    check_all_is_true(product)
    assert len(product.sandbox.requests) == requests


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["empty", "short", "damaged"])
def test_landed_files_that_cannot_be_read_are_fetched_again(product: Installation, kind: str) -> None:
    account = ONE_OF_EACH[0]
    [segment] = (product.folder / "data/landing").glob(f"*/account={account.name}/*.jsonl.zst")
    if kind == "damaged":
        damage(segment)
    else:
        segment.write_bytes(segment.read_bytes()[: 0 if kind == "empty" else segment.stat().st_size // 2])
    result = product.run("check", "--repair")
    assert "cannot be read (" in result.out, result.out
    assert f"{account.name}: fetching again: 2025-03-01 to 2025-03-05" in result.out
    check_all_is_true(product)


@pytest.mark.e2e
def test_what_cannot_be_mended_exits_with_1(product: Installation) -> None:
    account = ONE_OF_EACH[0]
    [segment] = (product.folder / "data/landing").glob(f"*/account={account.name}/*.jsonl.zst")
    segment.write_bytes(b"")
    product.sandbox.stop()
    result = product.run("check", "--repair", exit_code=1)
    assert f"{account.name}: fetching again" in result.out
    assert product.compare_with_truth(DAYS)[1] == [], "what was loaded stays"
    assert product.run("check", "--repair", "--json", exit_code=2).out == ""
