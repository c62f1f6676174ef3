"""Landed files that were lost under loaded days, as a disk may leave them: `check` names the days, a back-fill asks."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import Installation, days_from

ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.name in ("acme-support", "acme-voice"))
DAYS = days_from(date(2025, 3, 1), 3)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Installation]:
    with Sandbox() as sandbox:
        installation = Installation(tmp_path, sandbox, ACCOUNTS)
        installation.backfill(DAYS[0], DAYS[-1])
        yield installation


@pytest.mark.e2e
@pytest.mark.parametrize("pattern", ["*.jsonl.zst", "bodies/*.zst"])
@pytest.mark.parametrize("size", [0, 100])
def test_days_whose_responses_were_lost_are_named_and_requested_again(
    product: Installation, pattern: str, size: int
) -> None:
    product.run("check")
    [lost] = (product.folder / "data/landing/provider=chatcaptain/account=acme-voice").glob(pattern)
    lost.write_bytes(lost.read_bytes()[:size])
    done = product.run("check", exit_code=1)
    assert "acme-voice (chatcaptain)" in done.out
    assert "the responses of 3 loaded days are damaged or gone (2025-03-01 to 2025-03-03)" in done.out
    assert "chatmart backfill --from 2025-03-01 --to 2025-03-03 --account acme-voice" in done.out
    product.sandbox.request_log.clear()
    product.backfill(DAYS[0], DAYS[-1])
    assert {record.account for record in product.sandbox.requests} <= {"acme-voice", None}
    assert product.sandbox.requests
    product.run("check")
    (product.folder / "data/warehouse.duckdb").unlink()
    (product.folder / "data/_warehouse.duckdb.loader").unlink()
    product.run("replay")
    assert product.compare_with_truth(DAYS)[1] == []
