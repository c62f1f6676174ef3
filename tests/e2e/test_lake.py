"""A warehouse in an object store, as the commands load, read, maintain and repair it."""

import json
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import Installation, days_from
from tests.support.object_store import BUCKET, start_object_store

DAYS = days_from(date(2025, 3, 30), 4)
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())
URL = f"delta+s3://{BUCKET}/acme/star"


@pytest.mark.e2e
def test_every_command_on_a_lake_in_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", start_object_store())
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, ONE_OF_EACH, warehouse_url=URL)
        assert "There is no warehouse at " + URL in product.run("sql", "SELECT 1", exit_code=1).err
        product.configure(delta={"shards": 2}, object_store={"region": "us-east-1"})
        product.backfill(DAYS[0], DAYS[-1])
        compared, lines = product.compare_with_truth(DAYS)
        assert compared
        assert lines == []
        assert f"{URL}: published, " in product.run("check").out
        status = json.loads(product.run("status", "--json").out)
        assert {account["account"] for account in status["accounts"]} == {account.name for account in ONE_OF_EACH}
        product.run("report", "--output", "report.html")
        product.run("forget", "--account", "acme-docs", "--user", "somebody-unknown")
        product.run("maintain")
        product.run("replay")
        assert product.compare_with_truth(DAYS)[1] == []
        repaired = product.run("check", "--repair")
        assert repaired.out == "nothing to repair: the warehouse is whole, and has every day that was landed\n"
        product.configure(object_store={"endpoint": "http://127.0.0.1:9", "allow_http": False})
        monkeypatch.delenv("AWS_ALLOW_HTTP")
        refused = product.run("status", exit_code=2)
        assert "http://127.0.0.1:9, an address without encryption" in refused.err
