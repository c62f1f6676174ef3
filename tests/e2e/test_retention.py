"""The longest age of responses and of single conversations: what goes, what stays, and that nothing comes back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.clock import SYSTEM_CLOCK
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from
from tests.support.secret_scan import find_secrets, read_files

ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.name in ("acme-docs", "acme-voice"))
TODAY = datetime.now(UTC).date()
DAYS = days_from(TODAY - timedelta(days=12), 10)
DAILY = "SELECT * FROM conversation_daily ORDER BY ALL"
SINGLE = "SELECT account, date FROM conversation GROUP BY ALL ORDER BY ALL"


@pytest.fixture(params=["duckdb://data/warehouse.duckdb", "parquet://data/lake"])
def product(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with Sandbox(World(accounts=ACCOUNTS)) as sandbox:
        product = Installation(tmp_path, sandbox, ACCOUNTS, warehouse_url=request.param)
        product.backfill(DAYS[0], DAYS[-1])
        yield product


def set_retention(product: Installation, **retention: int) -> None:
    product.configure(defaults={"rate_limit": dict(product.rate_limit)}, retention=retention)


def list_old_ids(product: Installation, before: date) -> list[str]:
    return [
        conversation.id
        for account in ACCOUNTS
        for day, conversations in product.sandbox.world.conversations_by_day(account.name, DAYS)
        if day < before
        for conversation in conversations
    ]


def list_days_of_conversations(product: Installation) -> set[str]:
    return {str(row["date"]) for row in product.query(SINGLE)}


@pytest.mark.e2e
def test_old_conversations_go_and_do_not_come_back(product: Installation) -> None:
    daily: list[dict[str, Any]] = product.query(DAILY)
    first_kept = TODAY - timedelta(days=7)
    old_ids = list_old_ids(product, first_kept)
    assert str(DAYS[0]) in list_days_of_conversations(product)
    set_retention(product, conversation_days=7)
    assert "rows of single conversations" in product.run("maintain").err
    kept = {str(day) for day in DAYS if day >= first_kept}
    for arguments in ([], ["replay"], ["backfill", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--refetch"]):
        if arguments:
            product.run(*arguments)
        assert list_days_of_conversations(product) == kept
        assert product.query(DAILY) == daily
        warehouse = [pair for pair in read_files(product.folder / "data") if not pair[0].startswith("landing")]
        assert find_secrets(old_ids, warehouse) == []
    assert product.query("SELECT * FROM restatement_log") == []
    assert "conversations" not in product.run("maintain").err


@pytest.mark.e2e
def test_old_responses_go_and_their_slices_stay(product: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    views, old_ids = product.read_all_views(), list_old_ids(product, TODAY)
    set_retention(product, response_days=400)
    product.run("maintain")
    assert find_secrets(old_ids[:1], read_files(product.folder / "data/landing"))
    later = datetime.now(UTC) + timedelta(days=20)
    monkeypatch.setitem(vars(SYSTEM_CLOCK), "now", lambda: later)
    set_retention(product, response_days=10)
    assert "for being older than 10 days" in product.run("maintain").err
    assert find_secrets(old_ids, read_files(product.folder / "data/landing")) == []
    assert product.read_all_views() == views
    product.run("replay")
    assert product.read_all_views() == views


@pytest.mark.e2e
def test_responses_that_are_gone_for_their_age_are_not_lost(
    product: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime.now(UTC) + timedelta(days=20)
    monkeypatch.setitem(vars(SYSTEM_CLOCK), "now", lambda: later)
    set_retention(product, response_days=10)
    product.run("maintain")
    damaged = product.folder / "data/landing/provider=inkeep/account=acme-docs/stream=conversations/damaged.json"
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(b"")
    backfill = ("backfill", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--account", "acme-docs", "--dry-run")
    assert "are damaged or gone" not in product.run("check").out
    planned = product.run(*backfill).err
    set_retention(product)
    assert f"{len(DAYS)} loaded days are damaged or gone" in product.run("check", exit_code=1).out
    assert product.run(*backfill).err != planned


@pytest.mark.e2e
def test_a_clock_that_is_far_ahead_deletes_nothing(product: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    views, daily = product.read_all_views(), product.query(SINGLE)
    later = datetime.now(UTC) + timedelta(days=4000)
    monkeypatch.setitem(vars(SYSTEM_CLOCK), "now", lambda: later)
    set_retention(product, response_days=40, conversation_days=60)
    product.run("maintain")
    assert product.query(SINGLE) == daily
    product.run("replay")
    assert product.read_all_views() == views
