"""The whole path: the views equal the conversations of the sandbox's world, row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pytest

from extractors.registry import PROVIDERS
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import Installation, days_from
from warehouse.docs.relations import FACTS
from warehouse.integrity import count_duplicate_grains, count_keys_without_member

# both clock changes of autumn lie in either range: Berlin on 26 October, New York on 2 November
SIXTY_DAYS = days_from(date(2025, 10, 1), 60)
TEN_DAYS = days_from(date(2025, 10, 25), 10)


@dataclass(frozen=True)
class LoadedInstallation:
    """A product and the days that it has loaded."""

    product: Installation
    days: Sequence[date]


@pytest.fixture(
    scope="module", params=[TEN_DAYS, pytest.param(SIXTY_DAYS, marks=pytest.mark.long)], ids=["10 days", "60 days"]
)
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LoadedInstallation]:
    days: Sequence[date] = request.param
    with Sandbox() as sandbox:
        product = Installation(tmp_path_factory.mktemp("truth"), sandbox, SAMPLE_ACCOUNTS)
        product.backfill(days[0], days[-1])
        yield LoadedInstallation(product, days)


@pytest.mark.e2e
def test_all_days_of_all_accounts_equal_the_truth(installation: LoadedInstallation) -> None:
    compared, lines = installation.product.compare_with_truth(installation.days)
    assert lines == []
    assert compared > 10_000 * len(installation.days) // 60


@pytest.mark.e2e
def test_every_key_is_described_and_no_grain_is_doubled(installation: LoadedInstallation) -> None:
    product = installation.product
    assert [table.name for table in FACTS if count_duplicate_grains(product.store, table)] == []
    assert [(table.name, keys) for table in FACTS if (keys := count_keys_without_member(product.store, table))] == []


@pytest.mark.e2e
def test_every_provider_has_days_and_totals(installation: LoadedInstallation) -> None:
    totals = installation.product.query(
        "select provider, count(distinct date) days, sum(conversations) conversations "
        "from conversation_daily group by 1 order by 1"
    )
    assert [row["provider"] for row in totals] == sorted(PROVIDERS)
    assert {row["days"] for row in totals} == {len(installation.days)}
    least = 1000 * len(installation.days) // 60
    assert all(isinstance(row["conversations"], int) and row["conversations"] > least for row in totals)


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("installation", [SIXTY_DAYS], ids=["60 days"], indirect=True)
def test_loading_again_changes_nothing_and_restatements_are_mirrored(installation: LoadedInstallation) -> None:
    product, days = installation.product, installation.days
    before = product.read_all_views()
    product.backfill(days[-4], days[-1], "--refetch")
    assert product.read_all_views() == before
    assert product.query("select count(*) as n from restatement_log") == [{"n": 0}]

    for account in product.accounts:
        product.sandbox.world.restate(account.name, days[-2], "smaller")
        product.sandbox.world.restate(account.name, days[-3], "empty")
        product.sandbox.world.restate(account.name, days[-4], "late")
    product.backfill(days[-4], days[-1], "--refetch")
    _compared, lines = product.compare_with_truth(days)
    assert lines == []
    assert product.query(f"select sum(conversations) as n from conversation_daily where date = '{days[-3]}'") == [
        {"n": 0}
    ]
    assert product.query("select count(*) > 100 as restated from restatement_log") == [{"restated": True}]
