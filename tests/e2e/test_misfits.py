"""A response that does not fit its request, met by a whole load: exit 1, a failed day, a sentence, and no numbers.

Cognigy's are in the catalogue of faults (``tests/support/misfit_faults.py``).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.installation import Installation

DAY = date(2025, 3, 11)
ACCOUNTS = {account.provider: account for account in SAMPLE_ACCOUNTS}
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")
KEPT = "; the answer is kept in the landing zone; `chatmart replay` reads it once the parser knows this shape"


@dataclass(frozen=True)
class Misfit:
    """A body for every request of an account, and the sentence without the names of account and stream."""

    provider: str
    stream: str
    body: Any
    sentence: str


def envelope(*rows: Any, **more: Any) -> dict[str, Any]:
    data = {"result": rows, "total": len(rows), "pageSize": 100, "count": len(rows), **more}
    return {"status": "ok", "data": data}


ROW = {"id": "c1", "firstMessageTime": "2025-03-11T10:00:00.000Z", "userMessageCount": 2}

MISFITS = (
    Misfit(
        "chatdash", "analytics", {"message": "ok"}, f"field $: holds none of the metrics, saw {{'message': 'ok'}}{KEPT}"
    ),
    Misfit("chatdash", "analytics", {}, f"field $: holds none of the metrics, saw {{}}{KEPT}"),
    Misfit(
        "chatdash",
        "analytics",
        {"conversations": {"total": None, "error": "timeout"}},
        f"field $.conversations.error: is a failure; the provider says: timeout, saw 'timeout'{KEPT}",
    ),
    Misfit(
        "chatdash",
        "analytics",
        {"conversations": {"total": 5}, "errors": [{"message": "timeout"}]},
        "HTTP 200, but the provider says: timeout; check the account's ids and settings",
    ),
    Misfit(
        "chatdash",
        "analytics",
        {"conversations": {"total": -1}},
        f"field $.conversations.total: is negative, saw -1{KEPT}",
    ),
    Misfit(
        "inkeep",
        "conversations",
        {**envelope(), "error": "timeout"},
        "HTTP 200, but the provider says: timeout; check the account's ids and settings",
    ),
    Misfit(
        "inkeep",
        "conversations",
        envelope(ROW, ROW),
        f"field $.data.result[1].id: comes a second time, saw 'c1'{KEPT}",
    ),
    Misfit(
        "inkeep",
        "conversations",
        envelope({**ROW, "firstMessageTime": "2025-02-11T10:00:00.000Z"}),
        "field $.data.result[0].firstMessageTime: lies outside of the requested range, saw '2025-02-11T10:00:00.000Z'"
        + KEPT,
    ),
    Misfit(
        "inkeep",
        "conversation_totals",
        envelope({"count": 2, "sum_userMessageCount": 4}, total=3),
        f"field $.data.total: announces more than the 1 that came, saw 3{KEPT}",
    ),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.e2e
@pytest.mark.parametrize("number", range(len(MISFITS)), ids=lambda number: MISFITS[number].sentence[:60])
def test_a_misfit_fails_the_day_and_loads_nothing(sandbox: Sandbox, tmp_path: Path, number: int) -> None:
    misfit, store = MISFITS[number], STORES[number % len(STORES)]
    account = ACCOUNTS[misfit.provider]
    product = Installation(tmp_path, sandbox, [account], {account.name: {"streams": [misfit.stream]}}, store)
    sandbox.request_log.clear()
    sandbox.plan_faults(Fault(times=10**6, status=200, body=json.dumps(misfit.body)))
    printed = product.backfill(DAY, DAY, exit_code=1)
    assert f"failed: {account.name} ({misfit.provider}.{misfit.stream}): {misfit.sentence}\n" in printed.err
    [entry] = product.store.read("SELECT state, error FROM load_ledger").to_pylist()
    assert entry["state"] == "failed"
    assert misfit.sentence in entry["error"]
    assert product.store.read("SELECT * FROM conversation_daily").to_pylist() == []
    sandbox.request_log.clear()
    product.backfill(DAY, DAY)
    assert [row["state"] for row in product.store.read("SELECT state FROM load_ledger").to_pylist()] != ["failed"]
