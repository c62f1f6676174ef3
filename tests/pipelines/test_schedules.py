from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from pipelines.definitions import build_definitions
from tests.pipelines.conftest import RANGE, Orchestrated

TICK = datetime(2025, 3, 31, 5, 30, tzinfo=UTC)


def evaluated(bot: Orchestrated, schedule: str) -> Any:
    defs = build_definitions(bot.config)
    context = dg.build_schedule_context(scheduled_execution_time=TICK, repository_def=defs.get_repository_def())
    return defs.resolve_schedule_def(schedule).evaluate_tick(context)


def test_a_daily_load_is_one_run_over_the_look_back(orchestrate: Callable[..., Orchestrated]) -> None:
    [request] = evaluated(orchestrate("acme-support", "globex-support"), "load_cognigy_daily").run_requests
    assert [request.tags[name] for name in RANGE] == ["2025-03-27", "2025-03-30"]
    assert request.partition_key is None


def test_a_daily_load_skips_what_has_not_begun(orchestrate: Callable[..., Orchestrated]) -> None:
    told = evaluated(orchestrate("acme-support", first=date(2100, 1, 1)), "load_cognigy_daily")
    assert not told.run_requests
    assert "see start_date" in str(told.skip_message)


def test_schedules_start_when_the_configuration_says(orchestrate: Callable[..., Orchestrated]) -> None:
    bot = orchestrate("acme-support", schedule={"hour": 23, "minute": 10, "timezone": "Europe/Berlin"})
    schedules = build_definitions(bot.config).get_repository_def().schedule_defs
    assert {each.name: (each.cron_schedule, each.execution_timezone) for each in schedules} == {
        "load_cognigy_daily": ("10 23 * * *", "Europe/Berlin"),
        "check_star_daily": ("10 1 * * *", "Europe/Berlin"),
    }
