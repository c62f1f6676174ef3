"""The demo's world goes through the whole path: the views equal the conversations that it invented."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from sandbox.demo.calendar import DEMO_DAYS, DemoCalendar
from sandbox.demo.world import build_demo_world, list_demo_accounts, restate_demo_week
from sandbox.server import Sandbox
from tests.support.installation import Installation, days_from

FIRST_DAY = date(2025, 9, 15)
RESTATED = DemoCalendar(FIRST_DAY).restated_week


@pytest.mark.e2e
@pytest.mark.parametrize(
    "days",
    [days_from(RESTATED[0], 3), pytest.param(days_from(FIRST_DAY, DEMO_DAYS), marks=pytest.mark.long)],
    ids=["3 days", "60 days"],
)
def test_all_days_of_the_demo_equal_the_truth_before_and_after_the_restatement(
    tmp_path: Path, days: Sequence[date]
) -> None:
    with Sandbox(build_demo_world(FIRST_DAY)) as sandbox:
        product = Installation(tmp_path, sandbox, list_demo_accounts(FIRST_DAY))
        product.backfill(days[0], days[-1])
        compared, lines = product.compare_with_truth([day for day in days if day >= DemoCalendar(FIRST_DAY).rollout])
        assert lines == []
        assert compared > 500
        account, week = restate_demo_week(sandbox.world, FIRST_DAY)
        again = [day for day in week if day in days]
        product.backfill(again[0], again[-1], "--account", account, "--refetch")
        _compared, lines = product.compare_with_truth(again)
        assert lines == []
        restated = product.query("select distinct account from restatement_log")
        assert restated == [{"account": account}]
