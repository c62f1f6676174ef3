"""Runs of a provider's landing and slices assets against the sandbox."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from sandbox.recorder import Fault
from tests.pipelines.conftest import DagsterProject

MARCH = (date(2025, 3, 1), date(2025, 3, 5))
BOTH = ("acme-support", "globex-support")
DAYS = {f"2025-03-{day:02}" for day in range(1, 6)}


def count_slices(bot: DagsterProject) -> dict[str, int]:
    return {name: len(bot.installation.read_view("conversation_daily", name)) for name in BOTH}


def check_outcomes(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def find_failure(result: dg.ExecuteInProcessResult, step: str) -> tuple[str, dict[str, str]]:
    """Return the description of a failed step, and its metadata as text."""
    [event] = [event for event in result.all_events if event.is_step_failure and event.step_key == step]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    return str(failure.description), {name: str(value.value) for name, value in failure.metadata.items()}


def test_a_range_is_one_run_that_loads_every_slice(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project(*BOTH, begun=False)
    bot.installation.sandbox.request_log.clear()
    result = bot.run_job("load_cognigy", MARCH)
    assert result.success
    assert bot.installation.sandbox.request_log.count(provider="cognigy") == 2  # one month of each account
    assert count_slices(bot) == {"acme-support": 5, "globex-support": 5}
    assert bot.materialized_partitions("cognigy/landing") == bot.materialized_partitions("cognigy/slices") == DAYS
    assert check_outcomes(result) == {
        "every_account_landed": True,
        "every_slice_present": True,
        "totals_reconcile": True,
    }
    rows = bot.installation.read_view("load_run", "acme-support")
    assert [(row["run_id"], row["command"]) for row in rows] == [(result.run_id, "dagster load_cognigy")]
    assert [(row["loaded"], row["requests"], row["ended_at"] is None) for row in rows] == [(5, 1, False)]


def test_a_day_has_its_row_counts_and_the_newest_day_has_the_figures_of_the_run(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project(*BOTH)
    result = bot.run_job("load_cognigy", MARCH)
    days = {event.partition: event.metadata for event in result.asset_materializations_for_node("cognigy__slices")}
    first = [
        row["conversations"]
        for name in BOTH
        for row in bot.installation.read_view("conversation_daily", name)
        if row["date"] == MARCH[0]
    ]
    assert days["2025-03-01"]["accounts"].value == 2
    assert days["2025-03-01"]["conversations"].value == sum(first)
    landing = {event.partition: event.metadata for event in result.asset_materializations_for_node("cognigy__landing")}
    run_metadata = landing["2025-03-05"]
    assert run_metadata["requests"].value == 2
    records = [record.data for record in run_metadata["accounts' figures"].records]
    assert [(record["account"], record["slices"], record["requests"]) for record in records] == [
        ("acme-support", 5, 1),
        ("globex-support", 5, 1),
    ]
    assert run_metadata["bytes received"].value == sum(record["bytes"] for record in records) > 0
    assert not landing["2025-03-04"]


def test_a_bad_key_fails_the_run_and_names_the_account_while_the_other_loads(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"])
    result = bot.run_job("load_cognigy", MARCH)
    assert not result.success
    assert count_slices(bot) == {"acme-support": 5, "globex-support": 0}
    assert check_outcomes(result) == {
        "every_account_landed": False,
        "every_slice_present": False,
        "totals_reconcile": True,
    }
    description, metadata = find_failure(result, "cognigy__slices")
    assert "1 of 2 accounts failed (globex-support)" in description
    assert list(metadata) == ["globex-support"]
    assert "401" in metadata["globex-support"]
    assert "2025-03-01 to 2025-03-05" in metadata["globex-support"]
    assert bot.materialized_partitions("cognigy/landing") == DAYS
    assert bot.materialized_partitions("cognigy/slices") == set()


def test_a_failed_account_keeps_its_earlier_slices(build_dagster_project: Callable[..., DagsterProject]) -> None:
    assert build_dagster_project(*BOTH).run_job("load_cognigy", MARCH).success
    bot = build_dagster_project(*BOTH, bad=["globex-support"])
    before = bot.installation.read_view("conversation_daily", "globex-support")
    again = {"ops": {"cognigy__landing": {"config": {"refetch": True}}}}
    result = bot.run_job("load_cognigy", MARCH, again)
    assert not result.success
    assert not check_outcomes(result)["every_slice_present"]
    assert bot.installation.read_view("conversation_daily", "globex-support") == before


def test_days_that_every_account_has_are_materialised_in_a_run_that_fails_for_others(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support")
    bot.installation.sandbox.request_log.plan_faults(Fault(path="month=2", status=400))
    result = bot.run_job("load_cognigy", (date(2025, 2, 27), MARCH[1]))
    assert not result.success
    assert bot.materialized_partitions("cognigy/slices") == DAYS


def test_settled_days_are_fetched_again_only_with_refetch(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support")
    assert bot.run_job("load_cognigy", MARCH).success
    bot.installation.sandbox.request_log.clear()
    assert bot.run_job("load_cognigy", MARCH).success
    assert bot.installation.sandbox.request_log.count(provider="cognigy") == 0
    bot.installation.sandbox.world.restate("acme-support", MARCH[0], "empty")
    again = {"ops": {"cognigy__landing": {"config": {"refetch": True}}}}
    assert bot.run_job("load_cognigy", MARCH, again).success
    assert bot.installation.sandbox.request_log.count(provider="cognigy") == 1
    rows = bot.installation.read_view("conversation_daily", "acme-support")
    assert [row["conversations"] for row in rows if row["date"] == MARCH[0]] == [0]


def test_landing_alone_fails_for_a_failed_account(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"])
    result = bot.run_job("load_cognigy", MARCH, asset_keys=["cognigy/landing"])
    assert not result.success
    assert "globex-support" in find_failure(result, "cognigy__landing")[0]


def test_slices_alone_load_what_an_earlier_run_landed(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support")
    assert bot.run_job("load_cognigy", MARCH, asset_keys=["cognigy/landing"]).success
    assert bot.run_job("load_cognigy", MARCH, asset_keys=["cognigy/slices"]).success
    assert count_slices(bot)["acme-support"] == 5


def test_slices_without_landed_batches_fail_with_advice(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    result = build_dagster_project("acme-support", begun=False).run_job(
        "load_cognigy", MARCH, asset_keys=["cognigy/slices"]
    )
    assert not result.success
    assert "was never landed; materialise cognigy/landing" in find_failure(result, "cognigy__slices")[0]


def test_a_range_that_no_account_has_is_refused(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support", "globex-support", first=date(2025, 3, 20))
    result = bot.run_job("load_cognigy", (date(2025, 3, 1), date(2025, 3, 2)))
    assert not result.success
    assert "see start_date" in find_failure(result, "cognigy__landing")[0]


def test_no_secret_reaches_the_event_log(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"])
    result = bot.run_job("load_cognigy", MARCH)
    log = repr(bot.instance.all_logs(result.run_id))
    assert "globex-support" in log
    assert "fake-key-acme-support-not-real" not in log


def test_a_run_for_chosen_accounts_loads_these_and_completes_the_days_that_the_others_have(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project(*BOTH, first=MARCH[0])
    chosen = {"ops": {"cognigy__landing": {"config": {"accounts": ["acme-support"]}}}}
    result = bot.run_job("load_cognigy", MARCH, chosen)
    assert result.success
    assert count_slices(bot) == {"acme-support": 5, "globex-support": 0}
    assert bot.materialized_partitions("cognigy/slices") == set()
    assert check_outcomes(result)["every_slice_present"]
    others = {"ops": {"cognigy__landing": {"config": {"accounts": ["globex-support"]}}}}
    assert bot.run_job("load_cognigy", (MARCH[0], date(2025, 3, 2)), others).success
    assert count_slices(bot) == {"acme-support": 5, "globex-support": 2}
    assert bot.materialized_partitions("cognigy/slices") == {"2025-03-01", "2025-03-02"}


def test_a_run_for_an_unknown_account_names_it(build_dagster_project: Callable[..., DagsterProject]) -> None:
    bot = build_dagster_project("acme-support")
    chosen = {"ops": {"cognigy__landing": {"config": {"accounts": ["acme"]}}}}
    result = bot.run_job("load_cognigy", MARCH, chosen)
    description = find_failure(result, "cognigy__landing")[0]
    assert description.startswith("there is no account 'acme' in ")
    assert description.endswith("chatmart.yaml; did you mean acme-support?")
