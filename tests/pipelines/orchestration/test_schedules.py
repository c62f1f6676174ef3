"""The days that a scheduled load requests, and the times of all schedules."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from pipelines.loads.workspace import Workspace
from pipelines.orchestration.build import build_definitions
from tests.pipelines.conftest import PARTITION_RANGE_TAGS, DagsterProject

TICK = datetime(2025, 3, 31, 5, 30, tzinfo=UTC)
MARCH = (date(2025, 3, 24), date(2025, 3, 31))


def evaluate_schedule(bot: DagsterProject, schedule: str, at: datetime = TICK) -> Any:
    defs = build_definitions(bot.config)
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=defs.get_repository_def())
    return defs.resolve_schedule_def(schedule).evaluate_tick(context)


def requested_range(bot: DagsterProject, schedule: str, at: datetime = TICK) -> list[str]:
    [request] = evaluate_schedule(bot, schedule, at).run_requests
    assert request.partition_key is None
    return [request.tags[name] for name in PARTITION_RANGE_TAGS]


def test_a_daily_load_is_one_run_over_the_look_back(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support", "globex-support", catch_up_days=0)
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-27", "2025-03-30"]


def test_a_daily_load_covers_the_look_back_of_each_account(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    longer = {"lookback_days": 6, "timezone": "America/New_York"}
    bot = build_dagster_project("acme-support", "globex-support", overrides={"globex-support": longer}, catch_up_days=0)
    at = datetime(2025, 3, 31, 2, tzinfo=UTC)  # the 30th in New York: its yesterday is the 29th
    assert requested_range(bot, "load_cognigy_daily", at) == ["2025-03-23", "2025-03-30"]


def test_after_days_of_downtime_a_daily_load_begins_with_the_oldest_day_that_is_missing(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support", "globex-support", first=MARCH[0])
    assert bot.run_job("load_cognigy", (MARCH[0], date(2025, 3, 25))).success
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-26", "2025-03-30"]
    assert bot.run_job("load_cognigy", (date(2025, 3, 26), date(2025, 3, 30))).success
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-27", "2025-03-30"]


def test_a_gap_that_one_account_left_is_caught_up(build_dagster_project: Callable[..., DagsterProject]) -> None:
    both = ("acme-support", "globex-support")
    assert (
        not build_dagster_project(*both, bad=["globex-support"], first=MARCH[0]).run_job("load_cognigy", MARCH).success
    )
    bot = build_dagster_project(*both, first=MARCH[0])
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-24", "2025-03-30"]
    bot.installation.sandbox.request_log.clear()
    assert bot.run_job("load_cognigy", MARCH).success
    assert (
        bot.installation.sandbox.request_log.count(provider="cognigy") == 1
    )  # the days of the other account are settled


def test_years_of_a_new_account_are_not_a_daily_load(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support", first=date(2023, 1, 1), catch_up_days=10)
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-21", "2025-03-30"]
    schedule = {"dagster/schedule_name": "load_cognigy_daily"}
    result = bot.run_job("load_cognigy", (date(2025, 3, 21), date(2025, 3, 30)), tags=schedule)
    assert result.success
    messages = [entry.message for entry in bot.instance.all_logs(result.run_id)]
    [warning] = [message for message in messages if "older days are missing" in message]
    assert "chatmart backfill --account acme-support --from 2023-01-01" in warning


def test_an_unreadable_warehouse_leaves_only_the_look_back(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support", first=MARCH[0], begun=False)
    warehouse_file = Workspace.open(bot.config).store.location
    warehouse_file.parent.mkdir(parents=True)
    warehouse_file.write_bytes(b"this is no database")
    assert requested_range(bot, "load_cognigy_daily") == ["2025-03-27", "2025-03-30"]


def test_a_daily_load_is_skipped_before_the_start_date(build_dagster_project: Callable[..., DagsterProject]) -> None:
    tick = evaluate_schedule(build_dagster_project("acme-support", first=date(2100, 1, 1)), "load_cognigy_daily")
    assert not tick.run_requests
    assert "see start_date" in str(tick.skip_message)


def test_schedules_start_when_the_configuration_says(build_dagster_project: Callable[..., DagsterProject]) -> None:
    own = {"inkeep": {"hour": 9}, "chatdash": {"minute": 45, "timezone": "UTC"}}
    common = {"hour": 23, "minute": 10, "timezone": "Europe/Berlin"}
    bot = build_dagster_project("acme-support", "acme-docs", "acme-sales", schedule={**common, "providers": own})
    schedules = build_definitions(bot.config).get_repository_def().schedule_defs
    assert {schedule.name: (schedule.cron_schedule, schedule.execution_timezone) for schedule in schedules} == {
        "load_cognigy_daily": ("10 23 * * *", "Europe/Berlin"),
        "load_inkeep_daily": ("10 9 * * *", "Europe/Berlin"),
        "load_chatdash_daily": ("45 23 * * *", "UTC"),
        "check_star_daily": ("10 1 * * *", "Europe/Berlin"),
        "check_star_daily_after_inkeep": ("10 11 * * *", "Europe/Berlin"),
        "check_star_daily_after_chatdash": ("45 1 * * *", "UTC"),
        "maintain_daily": ("10 3 * * *", "Europe/Berlin"),
    }
