"""The catalog of a published warehouse: views and bookkeeping tables by group, columns, meanings per provider.

It is read from the warehouse itself (``Store.read``), so that it describes that file and not this release; units and
additivity come from the declaration of the star. The output of the catalog is in ``meta_commands``.
"""

from collections.abc import Collection
from dataclasses import dataclass

from extractors.similar_names import find_similar
from pipelines.cli.display.column_headers import describe_unit, find_measure
from warehouse.errors import QueryError
from warehouse.model.schema import STAGED_FACTS, fact_table, metadata
from warehouse.store import Store

TOTALS_VIEW = "conversation_daily"
VIEW_GROUPS = ("totals", "breakdowns", "single conversations", "marts", "bookkeeping")
STAR = "star"
"""The group of the tables below the views. They can be described by name, and are not listed."""

_BOOKKEEPING = {name for name in metadata.tables if not name.startswith(("fact_", "dim_"))} | {"coverage"}
_INTERNAL_TABLE = "store_state"

_VIEWS_QUERY = """
SELECT name, comment FROM (
    SELECT schema_name, view_name AS name, comment FROM duckdb_views()
    WHERE NOT internal AND database_name = current_database()
    UNION ALL
    SELECT schema_name, table_name, comment FROM duckdb_tables()
    WHERE NOT internal AND database_name = current_database()
)
QUALIFY schema_name <> 'main' OR count(*) OVER (PARTITION BY name) = 1
ORDER BY name
"""
_COLUMNS_QUERY = """
SELECT table_name AS view, column_name AS name, data_type AS type, comment FROM duckdb_columns()
WHERE NOT internal AND database_name = current_database()
QUALIFY schema_name <> 'main' OR count(*) OVER (PARTITION BY table_name, column_name) = 1
ORDER BY table_name, column_index
"""
"""Without the views in `main` that let tables answer under their old names."""
_MEANINGS_QUERY = """
SELECT provider, measure, meaning, unit, additivity FROM measure_definition ORDER BY measure, provider
"""


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view. ``unit`` and ``additivity`` are None when it is no measure."""

    name: str
    type: str
    unit: str | None
    additivity: str | None
    comment: str | None


@dataclass(frozen=True)
class View:
    """A view or table that can be queried, with its group (one of ``VIEW_GROUPS``, or ``STAR``)."""

    name: str
    group: str
    comment: str | None
    columns: tuple[ViewColumn, ...]


@dataclass(frozen=True)
class Meaning:
    """The meaning of a measure or metric at one provider."""

    provider: str
    measure: str
    meaning: str
    unit: str | None
    additivity: str | None


@dataclass(frozen=True)
class Catalog:
    """All views and tables that can be queried, those of the star last, and the meanings of their measures."""

    views: tuple[View, ...]
    meanings: tuple[Meaning, ...]

    def public_views(self) -> list[View]:
        """Return the views and bookkeeping tables, group by group, without the tables of the star."""
        return [view for view in self.views if view.group != STAR]

    def get_view(self, name: str) -> View:
        """Return the view of that name, in any case. Raises QueryError, with the nearest names, when there is none."""
        views = {view.name: view for view in self.views}
        if name.lower() in views:
            return views[name.lower()]
        near = find_similar(name, [view.name for view in self.public_views()])
        hint = f"did you mean {' or '.join(near)}?" if near else "chatmart sql --list shows all views."
        raise QueryError(f"There is no view {name!r}: {hint}")

    def meanings_of(self, view: View) -> list[Meaning]:
        """Return the meanings of a view's measures, or of the metrics that it shows."""
        if view.name == "measure_definition":
            return list(self.meanings)
        names = {column.name for column in view.columns}
        if "metric" in names:
            totals = {column.name for column in self.get_view(TOTALS_VIEW).columns}
            return [meaning for meaning in self.meanings if meaning.measure not in totals]
        names.add(view.name.removesuffix("_daily"))
        return [meaning for meaning in self.meanings if meaning.measure in names]


def read_catalog(store: Store) -> Catalog:
    """Read the catalog of the published warehouse. Raises NothingPublished before the first publication."""
    columns: dict[str, list[dict[str, str | None]]] = {}
    for row in store.read(_COLUMNS_QUERY).to_pylist():
        columns.setdefault(row["view"], []).append(row)
    views = []
    for row in store.read(_VIEWS_QUERY).to_pylist():
        name = row["name"]
        if name != _INTERNAL_TABLE:
            column_names = {str(column["name"]) for column in columns[name]}
            view_columns = tuple(_build_column(column, column_names) for column in columns[name])
            views.append(View(name, _group_of(name), row["comment"] or _declared_comment(name), view_columns))
    order = (*VIEW_GROUPS, STAR)
    meanings = tuple(Meaning(**row) for row in store.read(_MEANINGS_QUERY).to_pylist())
    return Catalog(tuple(sorted(views, key=lambda view: (order.index(view.group), view.name))), meanings)


def _group_of(name: str) -> str:
    if name == TOTALS_VIEW:
        return "totals"
    if name in _BOOKKEEPING:
        return "bookkeeping"
    if name.startswith(("fact_", "dim_")):
        return STAR
    if name in STAGED_FACTS and "counted_as" in fact_table(name).info:
        return "single conversations"
    return "breakdowns" if name.endswith("_daily") else "marts"


def _build_column(row: dict[str, str | None], column_names: Collection[str]) -> ViewColumn:
    view, name = str(row["view"]), str(row["name"])
    sql_type = str(row["type"]).replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    comment = row["comment"] or _declared_comment(view, name)
    measure = None if view in _BOOKKEEPING else find_measure(name, sql_type)
    if measure is None:
        return ViewColumn(name, sql_type, None, None, comment)
    # the comment repeats unit and additivity, which have columns of their own here
    comment = comment.partition(" Unit: ")[0] if comment else None
    additivity = measure.additivity.removeprefix("additivity ")
    return ViewColumn(name, sql_type, describe_unit(name, sql_type, column_names), additivity, comment)


def _declared_comment(view: str, column: str | None = None) -> str | None:
    """Return the comment that the star declares, for stores that keep no comments."""
    table = metadata.tables.get(view)
    if table is None and view in STAGED_FACTS:
        table = fact_table(view)
    if table is None:
        return None
    if column is None:
        return table.comment
    return table.columns[column].comment if column in table.columns else None
