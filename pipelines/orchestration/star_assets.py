"""The star's tables, the views over them and the published warehouse as unpartitioned assets: schema, lineage, checks.

One step inspects all of them. ``<provider>/slices`` committed the tables; code that computes or changes facts does not
belong here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from sqlalchemy import Column, Table

from pipelines.configuration.config import Config
from pipelines.loads.publish import publish_warehouse, set_accounts_and_measures
from pipelines.loads.workspace import Workspace
from pipelines.orchestration import checks
from pipelines.orchestration.assets import store_kind
from pipelines.orchestration.diagrams import CHART_DAYS, draw_daily_chart
from pipelines.orchestration.failures import as_dagster_failure
from pipelines.orchestration.view_assets import (
    MARTS_GROUP,
    VIEWS_GROUP,
    build_view_specs,
    read_view_columns,
    read_view_metadata,
)
from warehouse.docs.relations import DIMENSIONS, FACTS, duckdb_type, joined_dimension, key_column
from warehouse.model.schema import fact_table, metadata
from warehouse.sql import fill, ident
from warehouse.store import Store

STAR_GROUP = "star"
PUBLISHED = dg.AssetKey([STAR_GROUP, "published"])
WAREHOUSE_ASSETS = dg.AssetSelection.groups(STAR_GROUP, VIEWS_GROUP, MARTS_GROUP)
"""The assets that show the published warehouse; the others load it."""
TABLES = (*FACTS, *sorted(DIMENSIONS, key=lambda table: table.name))

_LOADED_BEFORE = (
    dg.AutomationCondition.initial_evaluation()
    & dg.AutomationCondition.missing()
    & dg.AutomationCondition.any_deps_match(
        ~dg.AutomationCondition.missing() | dg.AutomationCondition.will_be_requested()
    )
)

AFTER_LOADS = (
    (dg.AutomationCondition.any_deps_updated().since_last_handled() | _LOADED_BEFORE)
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("after_loads")
"""Materialise when a load has ended and no load is running: loads that end together are inspected once.

At the first start of Dagster, also what was loaded before it.
"""

_ABOUT_PUBLISHED = """
The published warehouse that people, BI tools and `chatmart sql` open; each load replaces it as a whole.

Its checks cover all accounts up to the last daily load that was due.
"""

_ROWS_BY_MONTH = """
SELECT strftime(date, '%Y-%m') AS month, count(*) AS rows FROM $table
WHERE date > (SELECT max(date) FROM $table) - INTERVAL 12 MONTH GROUP BY 1 ORDER BY 1
"""

_BY_DAY = """
SELECT date, coalesce($value, 0) AS value FROM $table
WHERE date > (SELECT max(date) FROM $table) - $days GROUP BY date
"""

_CHART_MEASURES = ("conversations", "hits")
"""A table's chart shows the sum of the first of these that the table has; without any, it shows the row count."""


@dataclass(frozen=True)
class _Inspection:
    """The metadata and check results of one asset."""

    metadata: Mapping[str, Any]
    check_results: list[dg.AssetCheckResult]


def build_star_assets(config: Config) -> dg.AssetsDefinition:
    """Return the star's tables, the views and ``star/published`` as one step; each may be materialised alone."""
    upstream = [dg.AssetKey([provider, "slices"]) for provider in configured_providers(config)]

    def build_spec(key: dg.AssetKey, kind: str = "", **properties: Any) -> dg.AssetSpec:
        kinds = {store_kind(config), *filter(None, [kind])}
        owners = config.settings.owners
        return dg.AssetSpec(key, kinds=kinds, owners=owners, automation_condition=AFTER_LOADS, **properties)

    tables = [_build_table_spec(build_spec, table, upstream) for table in TABLES]
    views = build_view_specs({table.name: table_asset_key(table) for table in TABLES}, build_spec).values()
    published = build_spec(
        PUBLISHED, deps=[spec.key for spec in tables], group_name=STAR_GROUP, description=_ABOUT_PUBLISHED
    )
    specs = [*tables, *views, published]

    @dg.multi_asset(
        name=STAR_GROUP,
        specs=specs,
        check_specs=_build_check_specs(),
        can_subset=True,
    )
    def star(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with as_dagster_failure():
            workspace = Workspace.open(config, context.run.run_id)
            # configured accounts get a row, so that the checks report their days as missing before any load
            set_accounts_and_measures(workspace)
            publish_warehouse(workspace)
            view_columns = read_view_columns(workspace.store)
        for spec in specs:
            check_names = [key.name for key in context.selected_asset_check_keys if key.asset_key == spec.key]
            if spec.key not in context.selected_asset_keys and not check_names:
                continue
            with as_dagster_failure():
                inspection = _inspect_asset(workspace, spec.key, view_columns)
            results = [result for result in inspection.check_results if result.check_name in check_names]
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=spec.key, metadata=inspection.metadata, check_results=results)
            else:
                yield from results

    return star


def configured_providers(config: Config) -> list[str]:
    """Return the names of the providers that have accounts, in the order of the configuration."""
    return list(dict.fromkeys(account.provider for account in config.accounts))


def table_asset_key(table: Table) -> dg.AssetKey:
    """Return the asset key of a table of the star."""
    return dg.AssetKey([STAR_GROUP, table.name])


def _build_table_spec(
    build_spec: Callable[..., dg.AssetSpec], table: Table, upstream: Sequence[dg.AssetKey]
) -> dg.AssetSpec:
    joins = {
        column.name: [dg.TableColumnDep(dg.AssetKey([STAR_GROUP, joined]), key_column(metadata.tables[joined]).name)]
        for column in table.columns
        if (joined := joined_dimension(column))
    }
    table_metadata: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema([_build_column(column) for column in table.columns]),
        "dagster/table_name": table.name,
    }
    if joins:
        table_metadata["dagster/column_lineage"] = dg.TableColumnLineage(joins)
    return build_spec(
        table_asset_key(table),
        deps=upstream,
        description=table.comment,
        group_name=STAR_GROUP,
        kind="table",
        metadata=table_metadata,
    )


def _build_column(column: Column[Any]) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        type=duckdb_type(column),
        description=column.comment,
        constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
    )


def _build_check_specs() -> list[dg.AssetCheckSpec]:
    return [
        *(
            dg.AssetCheckSpec(
                checks.GRAIN_IS_UNIQUE, asset=table_asset_key(table), description="No two rows share one grain."
            )
            for table in TABLES
        ),
        *(
            dg.AssetCheckSpec(
                checks.EVERY_KEY_IS_DESCRIBED,
                asset=table_asset_key(table),
                description="Each key is a row of its dimension.",
            )
            for table in FACTS
        ),
        dg.AssetCheckSpec(
            checks.CHANNELS_ARE_KNOWN,
            asset=table_asset_key(fact_table("channel_daily")),
            description=f"At most {checks.MAX_UNKNOWN_SHARE:.0%} of a provider's last 30 days are in no known channel.",
        ),
        dg.AssetCheckSpec(
            checks.VOLUMES_ARE_USUAL,
            asset=table_asset_key(fact_table("conversation_daily")),
            description="No day of the last two weeks is far from what the same weekday of the account usually is.",
        ),
        dg.AssetCheckSpec(
            checks.EVERY_ACCOUNT_IS_FRESH,
            asset=PUBLISHED,
            description="Each account has the newest day that is due by now.",
        ),
        dg.AssetCheckSpec(
            checks.EVERY_SLICE_PRESENT,
            asset=PUBLISHED,
            description="No account has a gap between its first day and the newest.",
        ),
    ]


def _inspect_asset(
    workspace: Workspace, asset_key: dg.AssetKey, view_columns: Mapping[str, Sequence[dg.TableColumn]]
) -> _Inspection:
    store = workspace.store
    if asset_key == PUBLISHED:
        config, now = workspace.config, workspace.clock.now()
        file_metadata = {"path": dg.MetadataValue.path(store.address), "size in bytes": store.size_bytes()}
        results = [checks.check_freshness(store, config, now), checks.check_gaps(store, config, now)]
        return _Inspection(file_metadata, results)
    if asset_key.path[0] != STAR_GROUP:
        name = asset_key.path[-1]
        return _Inspection(read_view_metadata(store, name, view_columns[name]), [])
    table = metadata.tables[asset_key.path[-1]]
    results = [checks.check_unique_grain(store, table)]
    if table in FACTS:
        results.append(checks.check_described_keys(store, table))
    if table.name == "fact_channel_daily":
        results.append(checks.check_known_channels(store))
    if table.name == "fact_conversation_daily":
        results.append(checks.check_volumes(store, workspace.config, workspace.clock.now()))
    return _Inspection(_read_table_metadata(store, table), results)


def _read_table_metadata(store: Store, table: Table) -> dict[str, Any]:
    if "date" not in table.columns or table.name == "dim_date":
        query = fill("SELECT count(*) AS rows FROM $table", table=ident(table.name))
        return {"dagster/row_count": store.read(query).to_pylist()[0]["rows"]}
    query = fill("SELECT count(*) AS rows, min(date) AS first, max(date) AS last FROM $table", table=ident(table.name))
    totals = store.read(query).to_pylist()[0]
    return {
        "dagster/row_count": totals["rows"],
        "days": f"{totals['first']} to {totals['last']}" if totals["rows"] else "none",
        "by day": _draw_chart(store, table),
        "rows by month": _format_months(store.read(fill(_ROWS_BY_MONTH, table=ident(table.name))).to_pylist()),
    }


def _draw_chart(store: Store, table: Table) -> dg.MarkdownMetadataValue:
    measure = next((name for name in _CHART_MEASURES if name in table.columns), None)
    value = f"CAST(sum({ident(measure)}) AS BIGINT)" if measure else "count(*)"
    rows = store.read(fill(_BY_DAY, value=value, table=ident(table.name), days=str(CHART_DAYS))).to_pylist()
    return dg.MetadataValue.md(draw_daily_chart({row["date"]: row["value"] for row in rows}, measure or "rows"))


def _format_months(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    lines = [f"| {row['month']} | {row['rows']:,} |" for row in rows]
    return dg.MetadataValue.md("\n".join(["| month | rows |", "|---|---:|", *lines]))
