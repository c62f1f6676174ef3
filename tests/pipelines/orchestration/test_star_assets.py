from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from pipelines.definitions import build_definitions
from tests.pipelines.conftest import DagsterProject


def looked_at(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    return {each.asset_key.path[-1]: each for each in result.asset_materializations_for_node("star")}


def test_a_table_tells_its_rows_its_columns_and_what_its_keys_join(
    build_dagster_project: Callable[..., DagsterProject],
) -> None:
    bot = build_dagster_project("acme-support")
    assert bot.run_job("load_cognigy", (date(2025, 2, 27), date(2025, 3, 2))).success
    result = bot.run_job("check_star")
    assert result.success
    table = looked_at(result)["fact_channel_daily"]
    rows = len(bot.installation.read_view("channel_daily", "acme-support"))
    assert table.metadata["dagster/row_count"].value == rows
    assert table.metadata["days"].value == "2025-02-27 to 2025-03-02"
    assert "| 2025-03 |" in str(table.metadata["rows by month"].value)
    assert "conversations by day, 2025-02-27 to 2025-03-02" in str(table.metadata["by day"].value)

    [spec] = [each for each in _specs(bot) if each.key.path[-1] == "fact_channel_daily"]
    columns = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert columns["call_duration_seconds"].type == "DECIMAL(18,3)"
    assert "Unit: seconds" in str(columns["call_duration_seconds"].description)
    assert not columns["date"].constraints.nullable
    [joined] = spec.metadata["dagster/column_lineage"].deps_by_column["channel_key"]
    assert (joined.asset_key.path[-1], joined.column_name) == ("dim_channel", "channel_key")


def test_an_empty_warehouse_can_be_looked_at(build_dagster_project: Callable[..., DagsterProject]) -> None:
    result = build_dagster_project("acme-support", begun=False).run_job("check_star")
    assert result.success
    assert looked_at(result)["fact_conversation"].metadata["dagster/row_count"].value == 0
    assert not _verdict(result, "every_account_is_fresh").passed
    assert not _verdict(result, "every_slice_present").passed


def test_what_is_due_is_there_after_a_load_of_everything(build_dagster_project: Callable[..., DagsterProject]) -> None:
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=5), today - timedelta(days=1)
    bot = build_dagster_project("acme-support", "acme-docs", first=first)
    assert bot.run_job("load_cognigy", (first, last)).success
    result = bot.run_job("check_star", asset_keys=["star/published"])
    assert set(looked_at(result)) == {"published"}
    assert "acme-docs are behind" in str(_verdict(result, "every_account_is_fresh").description)
    assert set(_verdict(result, "every_slice_present").metadata) == {"acme-docs"}
    assert bot.run_job("load_inkeep", (first, last)).success
    result = bot.run_job("check_star", asset_keys=["star/published"])
    assert _verdict(result, "every_account_is_fresh").passed
    assert _verdict(result, "every_slice_present").passed


def _verdict(result: dg.ExecuteInProcessResult, check: str) -> dg.AssetCheckEvaluation:
    [found] = [each for each in result.get_asset_check_evaluations() if each.check_name == check]
    return found


def _specs(bot: DagsterProject) -> list[dg.AssetSpec]:
    return list(build_definitions(bot.config).resolve_all_asset_specs())
