"""A warehouse rebuilt from the landing zone, with the providers gone."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.product import Product


@pytest.mark.e2e
def test_a_lost_warehouse_is_rebuilt_without_a_request(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Product(tmp_path, sandbox, DEMO_ACCOUNTS)
        product.backfill(date(2025, 10, 24), date(2025, 11, 3))
    before = product.everything()
    for path in (tmp_path / "data").glob("*warehouse*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    product.run("replay")
    assert product.everything() == before
    product.run("replay", "--from", "2025-11-01", "--account", "acme-docs")
    assert product.everything() == before
    assert product.ask("select count(*) as n from restatement_log") == [{"n": 0}]
