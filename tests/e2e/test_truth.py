"""The whole path in real processes: what the views say equals what happened in the sandbox's world, row by row."""

from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.product import Product, days_from
from warehouse.integrity import doubled_grains, keys_without_member
from warehouse.relations import FACTS

FIRST = date(
    2025, 10, 1
)  # both clock changes of autumn lie in the 60 days: Berlin on 26 October, New York on 2 November
DAYS = days_from(FIRST, 60)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> object:
    with Sandbox() as sandbox:
        product = Product(tmp_path_factory.mktemp("truth"), sandbox, DEMO_ACCOUNTS)
        product.backfill(DAYS[0], DAYS[-1])
        yield product


@pytest.mark.e2e
def test_sixty_days_of_seven_accounts_equal_the_truth(product: Product) -> None:
    compared, lines = product.differences(DAYS)
    assert lines == []
    assert compared > 10_000


@pytest.mark.e2e
def test_every_key_is_described_and_no_grain_is_doubled(product: Product) -> None:
    assert [table.name for table in FACTS if doubled_grains(product.store, table)] == []
    assert [(table.name, keys) for table in FACTS if (keys := keys_without_member(product.store, table))] == []


@pytest.mark.e2e
def test_five_providers_and_their_totals(product: Product) -> None:
    found = product.ask(
        "select provider, count(distinct date) days, sum(conversations) conversations "
        "from conversation_daily group by 1 order by 1"
    )
    assert [row["provider"] for row in found] == ["chatcaptain", "chatdash", "chatlayer", "cognigy", "inkeep"]
    assert {row["days"] for row in found} == {60}
    assert all(isinstance(row["conversations"], int) and row["conversations"] > 1000 for row in found)


@pytest.mark.e2e
def test_loading_again_changes_nothing_and_restatements_are_mirrored(product: Product, tmp_path: Path) -> None:
    before = product.everything()
    product.backfill(DAYS[-4], DAYS[-1], "--refetch")
    assert product.everything() == before
    assert product.ask("select count(*) as n from restatement_log") == [{"n": 0}]

    for account in product.accounts:
        product.sandbox.world.restate(account.name, DAYS[-2], "smaller")
        product.sandbox.world.restate(account.name, DAYS[-3], "empty")
        product.sandbox.world.restate(account.name, DAYS[-4], "late")
    product.backfill(DAYS[-4], DAYS[-1], "--refetch")
    _compared, lines = product.differences(DAYS)
    assert lines == []
    assert product.ask(f"select sum(conversations) as n from conversation_daily where date = '{DAYS[-3]}'") == [
        {"n": 0}
    ]
    assert product.ask("select count(*) > 100 as restated from restatement_log") == [{"restated": True}]
