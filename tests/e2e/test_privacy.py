"""Personal data under the settings of `privacy`: pseudonyms, and what another key does to loaded slices."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

FIRST = date(2025, 3, 1)
DAYS = days_from(FIRST, 3)
ACCOUNTS = [account for account in SAMPLE_ACCOUNTS if account.name in ("acme-docs", "acme-voice", "acme-support")]
KEY_NAME = "FAKE_PRIVACY_KEY"


@pytest.fixture(params=["duckdb://data/warehouse.duckdb", "parquet://data/lake"])
def product(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with Sandbox(World(accounts=tuple(ACCOUNTS))) as sandbox:
        product = Installation(tmp_path, sandbox, ACCOUNTS, warehouse_url=request.param)
        yield product


def set_key(product: Installation, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY_NAME, key)
    product.configure(defaults={"rate_limit": dict(product.rate_limit), "privacy": {"key": f"${{{KEY_NAME}}}"}})


def read_states(product: Installation) -> dict[str, set[str]]:
    """Return the states of the loaded days of each account, as `chatmart status` prints them."""
    accounts: list[dict[str, Any]] = json.loads(product.run("status", "--json").out)["accounts"]
    days = set(map(str, DAYS))
    return {
        account["account"]: {slice_["state"] for slice_ in account["days"] if slice_["date"] in days}
        for account in accounts
    }


def read_pseudonyms(product: Installation) -> set[str]:
    return {row["user_id"] for row in product.query("SELECT DISTINCT user_id FROM conversation WHERE user_id <> ''")}


@pytest.mark.e2e
def test_another_key_makes_slices_stale_and_a_replay_mends_them(
    product: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_key(product, monkeypatch, "fake-key-of-pseudonyms-1")
    product.backfill(DAYS[0], DAYS[-1])
    before = read_pseudonyms(product)
    assert before
    assert set().union(*read_states(product).values()) == {"settled"}
    set_key(product, monkeypatch, "fake-key-of-pseudonyms-2")
    # of Cognigy nothing depends on the key
    assert read_states(product) == {"acme-docs": {"stale"}, "acme-voice": {"stale"}, "acme-support": {"settled"}}
    product.sandbox.request_log.requests.clear()
    product.run("replay")
    assert product.sandbox.requests == []
    assert set().union(*read_states(product).values()) == {"settled"}
    after = read_pseudonyms(product)
    assert len(after) == len(before)
    assert not after & before
    assert product.query("SELECT * FROM restatement_log") == []


@pytest.mark.e2e
def test_stale_slices_are_loaded_anew(product: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    product.backfill(DAYS[0], DAYS[-1])
    assert read_pseudonyms(product) == set()
    set_key(product, monkeypatch, "fake-key-of-pseudonyms-1")
    product.backfill(DAYS[0], DAYS[-1])
    assert read_pseudonyms(product)
    assert set().union(*read_states(product).values()) == {"settled"}


@pytest.mark.e2e
def test_a_short_key_is_refused_by_every_command(product: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(product, monkeypatch, "fake-short-key")
    result = product.run("status", exit_code=2)
    assert "defaults.privacy.key: is shorter than 22 characters" in result.err
    assert "fake-short-key" not in result.err
