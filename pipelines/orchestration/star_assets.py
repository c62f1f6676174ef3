"""The star's tables and what readers open, as unpartitioned assets: schema, lineage, row counts, checks.

One step looks at all of them: the tables were committed by ``<provider>/slices``, nothing is computed here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from sqlalchemy import Column, Table

from pipelines.configuration.config import Config
from pipelines.loads.load import publish_warehouse, set_accounts_and_measures
from pipelines.loads.workspace import Workspace
from pipelines.orchestration import checks
from pipelines.orchestration.assets import as_dagster_failure, store_kind
from pipelines.orchestration.diagrams import CHART_DAYS, draw_daily_chart
from warehouse.docs.relations import DIMENSIONS, FACTS, duckdb_type, joined_dimension, key_column
from warehouse.model.schema import fact_table, metadata
from warehouse.sql import fill, ident
from warehouse.store import Store

STAR_GROUP = "star"
PUBLISHED = dg.AssetKey([STAR_GROUP, "published"])
TABLES = (*FACTS, *sorted(DIMENSIONS, key=lambda table: table.name))

AFTER_LOADS = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("after_loads")
"""When a load has ended and none is under way: loads that end together are looked at once."""

_ABOUT_PUBLISHED = """
The warehouse as readers see it: the file that people, BI tools and `chatmart sql` open, replaced whole by each load.

Its checks look at all accounts as of the last daily load that was due.
"""

_ROWS_BY_MONTH = """
SELECT strftime(date, '%Y-%m') AS month, count(*) AS rows FROM $table
WHERE date > (SELECT max(date) FROM $table) - INTERVAL 12 MONTH GROUP BY 1 ORDER BY 1
"""

_BY_DAY = """
SELECT date, coalesce($measure, 0) AS value FROM $table
WHERE date > (SELECT max(date) FROM $table) - $days GROUP BY date
"""

_CHARTED = ("conversations", "hits")
"""The measure whose sum is drawn, where a table has one of them; else its rows."""


@dataclass(frozen=True)
class _Found:
    """What a look at an asset has found."""

    metadata: Mapping[str, Any]
    checks: list[dg.AssetCheckResult]


def build_star_assets(config: Config) -> dg.AssetsDefinition:
    """The tables of the star and ``star/published``, all in one step; any of them may be materialised alone."""
    upstream = [dg.AssetKey([provider, "slices"]) for provider in configured_providers(config)]
    specs = [_spec(config, table, upstream) for table in TABLES]
    published = dg.AssetSpec(
        PUBLISHED,
        deps=[spec.key for spec in specs],
        group_name=STAR_GROUP,
        kinds={store_kind(config)},
        owners=config.settings.owners,
        description=_ABOUT_PUBLISHED,
        automation_condition=AFTER_LOADS,
    )

    @dg.multi_asset(
        name=STAR_GROUP,
        specs=[*specs, published],
        check_specs=_check_specs(),
        can_subset=True,
    )
    def star(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with as_dagster_failure():
            workspace = Workspace.open(config, context.run.run_id)
            set_accounts_and_measures(workspace)  # what is configured is missed, also where nothing was ever loaded
            publish_warehouse(workspace)
        for spec in (*specs, published):
            asked = [each.name for each in context.selected_asset_check_keys if each.asset_key == spec.key]
            if spec.key not in context.selected_asset_keys and not asked:
                continue
            with as_dagster_failure():
                found = _look(workspace, spec.key)
            results = [result for result in found.checks if result.check_name in asked]
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=spec.key, metadata=found.metadata, check_results=results)
            else:
                yield from results

    return star


def configured_providers(config: Config) -> list[str]:
    """The providers that have accounts, in the order of the configuration."""
    return list(dict.fromkeys(account.provider for account in config.accounts))


def table_asset_key(table: Table) -> dg.AssetKey:
    """The asset of a table."""
    return dg.AssetKey([STAR_GROUP, table.name])


def _spec(config: Config, table: Table, upstream: Sequence[dg.AssetKey]) -> dg.AssetSpec:
    joins = {
        column.name: [dg.TableColumnDep(dg.AssetKey([STAR_GROUP, joined]), key_column(metadata.tables[joined]).name)]
        for column in table.columns
        if (joined := joined_dimension(column))
    }
    about: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema([_column(column) for column in table.columns]),
        "dagster/table_name": table.name,
    }
    if joins:
        about["dagster/column_lineage"] = dg.TableColumnLineage(joins)
    return dg.AssetSpec(
        table_asset_key(table),
        deps=upstream,
        description=table.comment,
        group_name=STAR_GROUP,
        kinds={store_kind(config), "table"},
        owners=config.settings.owners,
        automation_condition=AFTER_LOADS,
        metadata=about,
    )


def _column(column: Column[Any]) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        type=duckdb_type(column),
        description=column.comment,
        constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
    )


def _check_specs() -> list[dg.AssetCheckSpec]:
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


def _look(workspace: Workspace, asset: dg.AssetKey) -> _Found:
    store = workspace.store
    if asset == PUBLISHED:
        config, now = workspace.config, workspace.clock.now()
        about = {"path": dg.MetadataValue.path(store.location), "size in bytes": store.size_bytes()}
        return _Found(about, [checks.check_freshness(store, config, now), checks.check_gaps(store, config, now)])
    table = metadata.tables[asset.path[-1]]
    results = [checks.check_unique_grain(store, table)]
    if table in FACTS:
        results.append(checks.check_described_keys(store, table))
    if table.name == "fact_channel_daily":
        results.append(checks.check_known_channels(store))
    return _Found(_figures(store, table), results)


def _figures(store: Store, table: Table) -> dict[str, Any]:
    if "date" not in table.columns or table.name == "dim_date":
        query = fill("SELECT count(*) AS rows FROM $table", table=ident(table.name))
        return {"dagster/row_count": store.read(query).to_pylist()[0]["rows"]}
    query = fill("SELECT count(*) AS rows, min(date) AS first, max(date) AS last FROM $table", table=ident(table.name))
    told = store.read(query).to_pylist()[0]
    return {
        "dagster/row_count": told["rows"],
        "days": f"{told['first']} to {told['last']}" if told["rows"] else "none",
        "by day": _chart(store, table),
        "rows by month": _months(store.read(fill(_ROWS_BY_MONTH, table=ident(table.name))).to_pylist()),
    }


def _chart(store: Store, table: Table) -> dg.MarkdownMetadataValue:
    charted = next((name for name in _CHARTED if name in table.columns), None)
    measure = f"CAST(sum({ident(charted)}) AS BIGINT)" if charted else "count(*)"
    rows = store.read(fill(_BY_DAY, measure=measure, table=ident(table.name), days=str(CHART_DAYS))).to_pylist()
    return dg.MetadataValue.md(draw_daily_chart({row["date"]: row["value"] for row in rows}, charted or "rows"))


def _months(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    lines = [f"| {row['month']} | {row['rows']:,} |" for row in rows]
    return dg.MetadataValue.md("\n".join(["| month | rows |", "|---|---:|", *lines]))
