"""Days that a zone's clocks passed over: no request is sent for them, and they do not stay open."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

SKIPPED = {"Pacific/Apia": date(2011, 12, 30), "Pacific/Kwajalein": date(1993, 8, 21)}
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


def load_around(folder: Path, accounts: list[SandboxAccount], day: date) -> tuple[Installation, list[str]]:
    """Load three days around a day, then the day alone; return the installation and the requests of the second load."""
    with Sandbox(World(5, accounts)) as sandbox:
        product = Installation(folder, sandbox, accounts, {accounts[0].name: {"start_date": "1990-01-01"}})
        product.backfill(day - timedelta(days=1), day + timedelta(days=1))
        alone = product.backfill(day, day, "--refetch")
        assert "Traceback" not in alone.err
        first = len(sandbox.requests)
        product.backfill(day - timedelta(days=1), day + timedelta(days=1))
        again = [f"{request.path} {request.query} {request.body}" for request in sandbox.requests[first:]]
        lines = product.compare_with_truth(days_from(day - timedelta(days=1), 3))[1]
        assert [line for line in lines if str(day) not in line and repr(day) not in line] == []
        numbers = product.query(f"SELECT conversations FROM conversation_daily WHERE date = '{day}'")
        assert [row["conversations"] for row in numbers] in ([], [0], [None])
    return product, again


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("zone", "account"),
    [
        pytest.param(zone, account, id=f"{zone}-{account.provider}")
        for zone in SKIPPED
        for account in ONE_OF_EACH
        if (zone, account.provider) != ("Pacific/Kwajalein", "cognigy")  # which knows no year before 2000
    ],
)
def test_a_day_that_a_zone_skipped_is_loaded_without_a_request(
    tmp_path: Path, zone: str, account: SandboxAccount
) -> None:
    day = SKIPPED[zone]
    product, again = load_around(tmp_path, [replace(account, timezone=zone)], day)
    assert again == [], "all three days are settled"
    [status] = json.loads(product.run("status", "--json").out)["accounts"]
    assert {row["date"]: row["state"] for row in status["days"]}[str(day)] == "settled"
