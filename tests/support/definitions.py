"""All of Dagster's definitions as text, for a snapshot that shows the effect of a change on them.

``python -m tests.support.definitions`` (or ``make snapshot``) writes it again.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import dagster as dg

from pipelines.configuration import config as configuration
from pipelines.orchestration.build import build_definitions

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "chatmart.example.yaml"
SNAPSHOT_PATH = ROOT / "tests" / "pipelines" / "definitions.txt"


def render_definitions() -> str:
    """Return the definitions of ``chatmart.example.yaml``, with an owner, as text."""
    names = re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text())
    with patch.dict(os.environ, {name: f"invented-value-of-{name}" for name in names}):
        config = configuration.load_config(EXAMPLE)
    operating = config.settings.model_copy(update={"owners": ("team:data",)})
    defs = build_definitions(replace(config, settings=operating))
    return (
        "\n".join(
            [*_describe_assets(defs), *_describe_jobs(defs), *_describe_schedules(defs), *_describe_sensors(defs)]
        )
        + "\n"
    )


def _describe_assets(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.get_repository_def().asset_graph
    checks = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        spec = node.to_asset_spec()
        yield f"asset {key.to_user_string()}"
        yield f"  group: {node.group_name}; kinds: {_join_sorted(spec.kinds)}; owners: {_join_sorted(node.owners)}"
        yield f"  deps: {_join_sorted(dep.to_user_string() for dep in node.parent_keys)}"
        automation = _get_label(node.automation_condition)
        yield f"  partitions: {_describe_partitions(node.partitions_def)}; automation: {automation}"
        yield f"  pools: {_join_sorted(node.pools)}; back-fill: {node.backfill_policy}"
        yield f"  says: {(node.description or '').strip().splitlines()[0]}"
        for name, check in sorted(
            (spec.name, spec) for check_key, spec in checks.items() if check_key.asset_key == key
        ):
            yield f"  check {name}: {check.description}"


def _describe_jobs(defs: dg.Definitions) -> Iterator[str]:
    repository = defs.get_repository_def()
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            steps = job.asset_layer.selected_asset_keys or [node.name for node in job.nodes]
            names = (step.to_user_string() if isinstance(step, dg.AssetKey) else step for step in steps)
            yield f"job {job.name}: {_join_sorted(names)}; executor: {job.executor_def.name}"


def _describe_schedules(defs: dg.Definitions) -> Iterator[str]:
    for schedule in sorted(defs.get_repository_def().schedule_defs, key=lambda schedule: schedule.name):
        time = f"{schedule.cron_schedule} {schedule.execution_timezone}"
        yield f"schedule {schedule.name}: {schedule.job_name} at {time}; {schedule.default_status.value}"


def _describe_sensors(defs: dg.Definitions) -> Iterator[str]:
    for sensor in sorted(defs.get_repository_def().sensor_defs, key=lambda sensor: sensor.name):
        interval = f"every {sensor.minimum_interval_seconds} s"
        yield f"sensor {sensor.name}: {sensor.sensor_type.value} {interval}; {sensor.default_status.value}"


def _describe_partitions(partitions: dg.PartitionsDefinition | None) -> str:
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return "none" if partitions is None else repr(partitions)
    return f"{partitions.schedule_type.value.lower()} from {partitions.start.date()} in {partitions.timezone}"


def _get_label(condition: dg.AutomationCondition | None) -> str:
    return (condition.get_label() or repr(condition)) if condition else "none"


def _join_sorted(names: object) -> str:
    return ", ".join(sorted(map(str, names or ()))) or "none"  # type: ignore[call-overload]


if __name__ == "__main__":
    SNAPSHOT_PATH.write_text(render_definitions())
    sys.stderr.write(f"wrote {SNAPSHOT_PATH}\n")
