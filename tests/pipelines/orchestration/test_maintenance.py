from collections.abc import Callable
from datetime import date

import dagster as dg

from tests.pipelines.conftest import DagsterProject

DAYS = (date(2025, 3, 1), date(2025, 3, 3))


def told(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, object]]:
    outputs = [each for each in result.all_events if each.is_successful_output]
    return {
        str(each.step_key): {name: value.value for name, value in each.step_output_data.metadata.items()}
        for each in outputs
    }


def test_maintenance_says_what_it_deleted(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support", retention={"landing_days": 1, "dagster_days": 1})
    assert bot.run_job("load_cognigy", DAYS).success
    result = bot.run_job("maintain")
    assert result.success
    assert told(result) == {
        "prune_landing": {"answers": 0, "bytes": 0, "busy accounts": 0},
        "prune_staging": {"runs": 0},
        "prune_dagster": {"runs": 0, "events": 0},
    }


def test_maintenance_before_anything_was_loaded(build_dagster_project: Callable[..., DagsterProject]) -> None:
    assert build_dagster_project("acme-support", retention={"landing_days": 1}, begun=False).run_job("maintain").success
