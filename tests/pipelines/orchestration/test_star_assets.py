"""The assets of the star: metadata and checks, before and after loads."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import dagster as dg

from pipelines.orchestration.build import build_definitions
from tests.pipelines.conftest import DagsterProject


def star_materializations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    return {event.asset_key.path[-1]: event for event in result.asset_materializations_for_node("star")}


def test_a_table_has_its_row_counts_its_columns_and_the_lineage_of_its_keys(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support")
    assert bot.run_job("load_cognigy", (date(2025, 2, 27), date(2025, 3, 2))).success
    result = bot.run_job("check_star")
    assert result.success
    table = star_materializations(result)["fact_channel_daily"]
    rows = len(bot.installation.read_view("channel_daily", "acme-support"))
    assert table.metadata["dagster/row_count"].value == rows
    assert table.metadata["days"].value == "2025-02-27 to 2025-03-02"
    assert "| 2025-03 |" in str(table.metadata["rows by month"].value)
    assert "conversations by day, 2025-02-27 to 2025-03-02" in str(table.metadata["by day"].value)

    [spec] = [spec for spec in _asset_specs(bot) if spec.key.path[-1] == "fact_channel_daily"]
    columns = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert columns["call_duration_seconds"].type == "DECIMAL(18,3)"
    assert "Unit: seconds" in str(columns["call_duration_seconds"].description)
    assert not columns["date"].constraints.nullable
    [joined] = spec.metadata["dagster/column_lineage"].deps_by_column["channel_key"]
    assert (joined.asset_key.path[-1], joined.column_name) == ("dim_channel", "channel_key")


def test_an_empty_warehouse_can_be_checked(build_dagster_project: Callable[..., DagsterProject]) -> None:
    result = build_dagster_project("acme-support", begun=False).run_job("check_star")
    assert result.success
    assert star_materializations(result)["fact_conversation"].metadata["dagster/row_count"].value == 0
    assert not _find_check(result, "every_account_is_fresh").passed
    assert not _find_check(result, "every_slice_present").passed


def test_checks_pass_after_every_provider_is_loaded(build_dagster_project: Callable[..., DagsterProject]) -> None:
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=5), today - timedelta(days=1)
    bot = build_dagster_project("acme-support", "acme-docs", first=first)
    assert bot.run_job("load_cognigy", (first, last)).success
    result = bot.run_job("check_star", asset_keys=["star/published"])
    assert set(star_materializations(result)) == {"published"}
    assert "acme-docs are behind" in str(_find_check(result, "every_account_is_fresh").description)
    assert set(_find_check(result, "every_slice_present").metadata) == {"acme-docs"}
    assert bot.run_job("load_inkeep", (first, last)).success
    result = bot.run_job("check_star", asset_keys=["star/published"])
    assert _find_check(result, "every_account_is_fresh").passed
    assert _find_check(result, "every_slice_present").passed


def _find_check(result: dg.ExecuteInProcessResult, check: str) -> dg.AssetCheckEvaluation:
    [evaluation] = [evaluation for evaluation in result.get_asset_check_evaluations() if evaluation.check_name == check]
    return evaluation


def _asset_specs(bot: DagsterProject) -> list[dg.AssetSpec]:
    return list(build_definitions(bot.config).resolve_all_asset_specs())


def test_a_view_has_the_lineage_of_its_sql_its_columns_and_its_days(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support")
    assert bot.run_job("load_cognigy", (date(2025, 2, 27), date(2025, 3, 2))).success
    result = bot.run_job("check_star", asset_keys=["views/channel_daily", "views/coverage", "marts/channel_monthly"])
    metadata = {name: event.metadata for name, event in star_materializations(result).items()}
    assert metadata.keys() == {"channel_daily", "coverage", "channel_monthly"}
    assert metadata["channel_daily"]["days"].value == "2025-02-27 to 2025-03-02"
    assert metadata["channel_monthly"]["dagster/row_count"].value > 0
    [month] = [c for c in metadata["channel_monthly"]["dagster/column_schema"].value.columns if c.name == "month"]
    assert (month.type, month.description is not None) == ("DATE", True)

    specs = {spec.key.to_user_string(): spec for spec in _asset_specs(bot)}
    sources = {dep.asset_key.to_user_string() for dep in specs["views/channel_daily"].deps}
    assert sources == {"star/dim_account", "star/dim_channel", "star/fact_channel_daily"}
    sources = {dep.asset_key.to_user_string() for dep in specs["views/coverage"].deps}
    assert sources == {"star/dim_account"}  # the ledger, which it reads too, is no asset
    assert specs["marts/channel_monthly"].kinds == {"duckdb", "mart"}


def test_the_warehouse_is_inspected_after_loads_and_once_when_it_was_loaded_before(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    defs = build_definitions(build_dagster_project("acme-support").config)
    keys = [key for key in defs.resolve_asset_graph().get_all_asset_keys() if key.path[0] != "cognigy"]
    evaluate = partial(dg.evaluate_automation_conditions, defs, asset_selection=dg.AssetSelection.assets(*keys))

    def record(instance: dg.DagsterInstance, key: dg.AssetKey, day: str | None = None) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))

    with dg.DagsterInstance.ephemeral() as instance:
        tick = evaluate(instance)
        assert tick.total_requested == 0  # nothing is loaded
    with dg.DagsterInstance.ephemeral() as instance:
        record(instance, dg.AssetKey(["cognigy", "slices"]), "2025-03-01")
        tick = evaluate(instance)
        assert tick.total_requested == len(keys)
        tick = evaluate(instance, cursor=tick.cursor)
        assert tick.total_requested == 0  # also when the run failed
        for key in keys:
            record(instance, key)
        tick = evaluate(instance, cursor=tick.cursor)
        assert tick.total_requested == 0
        record(instance, dg.AssetKey(["cognigy", "slices"]), "2025-03-02")
        tick = evaluate(instance, cursor=tick.cursor)
        assert tick.total_requested == len(keys)
