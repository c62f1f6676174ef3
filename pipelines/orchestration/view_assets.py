"""The views and marts of the warehouse as assets: their lineage from their SQL, their columns, rows and days.

The step that inspects them is ``star_assets``; the SQL of a view does not belong here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from warehouse.ddl.views import view_comment, view_queries
from warehouse.docs.view_sources import view_sources
from warehouse.model.schema import metadata
from warehouse.sql import fill, ident, literal
from warehouse.store import Store

VIEWS_GROUP = "views"
MARTS_GROUP = "marts"

_MART_ENDINGS = ("_weekly", "_monthly", "_trend")
_COLUMNS = """
SELECT table_name, column_name, data_type, any_value(comment) AS comment FROM duckdb_columns()
WHERE table_name IN ($views) AND database_name = current_database()
GROUP BY ALL ORDER BY table_name, min(column_index)
"""


def view_asset_key(name: str) -> dg.AssetKey:
    """Return the asset key of a view: ``marts/…`` when it compares weeks or months, else ``views/…``."""
    return dg.AssetKey([MARTS_GROUP if name.endswith(_MART_ENDINGS) else VIEWS_GROUP, name])


def build_view_specs(
    table_keys: Mapping[str, dg.AssetKey], build_spec: Callable[..., dg.AssetSpec]
) -> dict[str, dg.AssetSpec]:
    """Return the spec of each view by the view's name; its dependencies are the tables and views that its SQL reads.

    ``table_keys`` are the assets of tables; the ledger and other books are none. A view that reads none of them, as the
    list of keys, depends on all. ``build_spec`` makes a spec with what all assets of the warehouse share.
    """
    specs = {}
    for name, sources in view_sources().items():
        tables = [table_keys[source] for source in sources if source in table_keys]
        views = [view_asset_key(source) for source in sources if source in view_queries()]
        key = view_asset_key(name)
        kind = "mart" if key.path[0] == MARTS_GROUP else "view"
        specs[name] = build_spec(
            key,
            deps=[*tables, *views] or list(table_keys.values()),
            group_name=key.path[0],
            kind=kind,
            description=view_comment(name),
            metadata={"dagster/table_name": name},
        )
    return specs


def read_view_columns(store: Store) -> dict[str, list[dg.TableColumn]]:
    """Return the columns of each published view, with their comments."""
    views = ", ".join(map(literal, view_queries()))
    columns: dict[str, list[dg.TableColumn]] = {name: [] for name in view_queries()}
    for row in store.read(fill(_COLUMNS, views=views)).to_pylist():
        comment = row["comment"] or _find_comment(row["column_name"])
        columns[row["table_name"]].append(dg.TableColumn(row["column_name"], row["data_type"], comment))
    return columns


def read_view_metadata(store: Store, name: str, columns: Sequence[dg.TableColumn]) -> dict[str, Any]:
    """Return the metadata of a published view: its columns, its number of rows, and its first and last day."""
    days = ", min(date) AS first, max(date) AS last" if any(column.name == "date" for column in columns) else ""
    [totals] = store.read(fill("SELECT count(*) AS rows$days FROM $view", days=days, view=ident(name))).to_pylist()
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/row_count": totals["rows"],
        **({"days": f"{totals['first']} to {totals['last']}"} if totals.get("first") else {}),
    }


def _find_comment(column: str) -> str | None:
    """Return the comment that the star declares for a column of this name, for stores that keep no comments."""
    tables = (table for table in metadata.sorted_tables if column in table.columns)
    return next((table.columns[column].comment for table in tables), None)
