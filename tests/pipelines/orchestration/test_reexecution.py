"""Re-executing a failed run, from its failure or as a whole, on an instance that keeps its state."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.pipelines.conftest import PARTITION_RANGE_TAGS, DagsterProject
from tests.support.reexecuted_job import refer_to_job

MARCH = (date(2025, 3, 1), date(2025, 3, 5))
BOTH = ("acme-support", "globex-support")
TAGS = dict(zip(PARTITION_RANGE_TAGS, map(str, MARCH), strict=True))
LANDED_CHECK = dg.AssetCheckKey(dg.AssetKey(["cognigy", "landing"]), "every_account_landed")

Build = Callable[..., DagsterProject]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as running:
        yield running


def run_job(
    project: DagsterProject, instance: dg.DagsterInstance, options: dg.ReexecutionOptions | None = None
) -> dg.JobExecutionResult:
    job = refer_to_job(project.installation.folder / "chatmart.yaml")
    return dg.execute_job(job, instance, tags=TAGS, reexecution_options=options)


def from_failure(instance: dg.DagsterInstance, run_id: str) -> dg.ReexecutionOptions:
    return dg.ReexecutionOptions.from_failure(run_id, instance)


def everything(_instance: dg.DagsterInstance, run_id: str) -> dg.ReexecutionOptions:
    return dg.ReexecutionOptions(run_id)


def list_failed_steps(result: dg.JobExecutionResult) -> list[str | None]:
    return [event.step_key for event in result.all_events if event.is_step_failure]


def count_slices(project: DagsterProject, name: str) -> int:
    return len(project.installation.read_view("conversation_daily", name))


@pytest.mark.parametrize("choose", [from_failure, pytest.param(everything, marks=pytest.mark.long)])
def test_an_outage_of_the_only_account_fails_its_landing_and_both_repetitions_end_well(
    build_dagster_project: Build,
    sandbox: Sandbox,
    instance: dg.DagsterInstance,
    choose: Callable[..., dg.ReexecutionOptions],
) -> None:
    project = build_dagster_project("acme-support")
    sandbox.plan_faults(Fault(times=1, status=403))
    with run_job(project, instance) as failed:
        assert not failed.success
        assert list_failed_steps(failed) == ["cognigy__landing"]
    with run_job(project, instance, choose(instance, failed.run_id)) as repeated:
        assert repeated.success
    assert count_slices(project, "acme-support") == 5


@pytest.mark.parametrize("choose", [from_failure, pytest.param(everything, marks=pytest.mark.long)])
def test_what_the_others_had_is_loaded_and_both_repetitions_load_the_rest(
    build_dagster_project: Build,
    sandbox: Sandbox,
    instance: dg.DagsterInstance,
    choose: Callable[..., dg.ReexecutionOptions],
) -> None:
    project = build_dagster_project(*BOTH, bad=["globex-support"])
    with run_job(project, instance) as failed:
        assert not failed.success
        assert list_failed_steps(failed) == ["cognigy__slices"]
    project = build_dagster_project(*BOTH)
    assert (count_slices(project, BOTH[0]), count_slices(project, BOTH[1])) == (5, 0)
    sandbox.request_log.clear()
    with run_job(project, instance, choose(instance, failed.run_id)) as repeated:
        assert repeated.success
    assert sandbox.request_log.count(provider="cognigy") == 1  # the other account's days are settled
    assert (count_slices(project, BOTH[0]), count_slices(project, BOTH[1])) == (5, 5)
    [record] = instance.event_log_storage.get_asset_check_execution_history(LANDED_CHECK, limit=1)
    assert record.status.value == "SUCCEEDED"


def test_an_outage_that_goes_on_fails_the_repetition_and_names_the_account(
    build_dagster_project: Build, instance: dg.DagsterInstance
) -> None:
    project = build_dagster_project(*BOTH, bad=["globex-support"])
    with run_job(project, instance) as failed:
        assert not failed.success
    with run_job(project, instance, from_failure(instance, failed.run_id)) as repeated:
        assert not repeated.success
        [event] = [event for event in repeated.all_events if event.is_step_failure]
        assert "1 of 2 accounts failed (globex-support)" in str(event.step_failure_data.user_failure_data.description)
    project = build_dagster_project(*BOTH)
    with run_job(project, instance, from_failure(instance, repeated.run_id)) as third:
        assert third.success
    assert count_slices(project, "globex-support") == 5
