"""All of Dagster's definitions as text, for a snapshot that shows what a change does to them.

``python -m tests.support.definitions`` (or ``make snapshot``) writes it anew.
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
from pipelines.definitions import build_definitions

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "chatmart.example.yaml"
SNAPSHOT_PATH = ROOT / "tests" / "pipelines" / "definitions.txt"


def render_definitions() -> str:
    """What ``chatmart.example.yaml`` becomes in Dagster, with an owner."""
    names = re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text())
    with patch.dict(os.environ, {name: f"invented-value-of-{name}" for name in names}):
        config = configuration.load_config(EXAMPLE)
    operating = config.settings.model_copy(update={"owners": ("team:data",)})
    defs = build_definitions(replace(config, settings=operating))
    return "\n".join([*_assets(defs), *_jobs(defs), *_schedules(defs), *_sensors(defs)]) + "\n"


def _assets(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.get_repository_def().asset_graph
    checks = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        spec = node.to_asset_spec()
        yield f"asset {key.to_user_string()}"
        yield f"  group: {node.group_name}; kinds: {_listed(spec.kinds)}; owners: {_listed(node.owners)}"
        yield f"  deps: {_listed(dep.to_user_string() for dep in node.parent_keys)}"
        yield f"  partitions: {_partitions(node.partitions_def)}; automation: {_label(node.automation_condition)}"
        yield f"  pools: {_listed(node.pools)}; back-fill: {node.backfill_policy}"
        yield f"  says: {(node.description or '').strip().splitlines()[0]}"
        for name, check in sorted((each.name, each) for each_key, each in checks.items() if each_key.asset_key == key):
            yield f"  check {name}: {check.description}"


def _jobs(defs: dg.Definitions) -> Iterator[str]:
    repository = defs.get_repository_def()
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            does = job.asset_layer.selected_asset_keys or [node.name for node in job.nodes]
            steps = (each.to_user_string() if isinstance(each, dg.AssetKey) else each for each in does)
            yield f"job {job.name}: {_listed(steps)}; executor: {job.executor_def.name}"


def _schedules(defs: dg.Definitions) -> Iterator[str]:
    for each in sorted(defs.get_repository_def().schedule_defs, key=lambda each: each.name):
        when = f"{each.cron_schedule} {each.execution_timezone}"
        yield f"schedule {each.name}: {each.job_name} at {when}; {each.default_status.value}"


def _sensors(defs: dg.Definitions) -> Iterator[str]:
    for each in sorted(defs.get_repository_def().sensor_defs, key=lambda each: each.name):
        every = f"every {each.minimum_interval_seconds} s"
        yield f"sensor {each.name}: {each.sensor_type.value} {every}; {each.default_status.value}"


def _partitions(found: dg.PartitionsDefinition | None) -> str:
    if not isinstance(found, dg.TimeWindowPartitionsDefinition):
        return "none" if found is None else repr(found)
    return f"{found.schedule_type.value.lower()} from {found.start.date()} in {found.timezone}"


def _label(condition: dg.AutomationCondition | None) -> str:
    return (condition.get_label() or repr(condition)) if condition else "none"


def _listed(names: object) -> str:
    return ", ".join(sorted(map(str, names or ()))) or "none"  # type: ignore[call-overload]


if __name__ == "__main__":
    SNAPSHOT_PATH.write_text(render_definitions())
    sys.stderr.write(f"wrote {SNAPSHOT_PATH}\n")
