"""The maintenance job, with and without a load before it."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from tests.pipelines.conftest import DagsterProject

DAYS = (date(2025, 3, 1), date(2025, 3, 3))


def output_metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, object]]:
    outputs = [event for event in result.all_events if event.is_successful_output]
    return {
        str(event.step_key): {name: value.value for name, value in event.step_output_data.metadata.items()}
        for event in outputs
    }


def test_maintenance_reports_how_much_it_deleted(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support", retention={"landing_days": 1, "dagster_days": 1})
    assert bot.run_job("load_cognigy", DAYS).success
    result = bot.run_job("maintain")
    assert result.success
    assert output_metadata(result) == {
        "prune_landing": {"responses": 0, "bytes": 0, "busy accounts": 0, "rows of conversations": 0},
        "prune_staging": {"runs": 0},
        "tidy_warehouse": {"files": 0},
        "prune_dagster": {"runs": 0, "events": 0},
    }


def test_maintenance_before_anything_was_loaded(build_dagster_project: Callable[..., DagsterProject]) -> None:
    assert build_dagster_project("acme-support", retention={"landing_days": 1}, begun=False).run_job("maintain").success
