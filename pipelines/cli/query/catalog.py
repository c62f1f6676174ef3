"""What a published warehouse holds: its views and books by group, their columns, and what each provider means.

Asked of the warehouse itself through ``Store.read``, so that it is told of the file at hand and not of this release;
units and additivity come from the declaration of the star. How it is drawn: ``listing``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from pipelines.cli.display.column_headers import describe_unit, find_measure
from warehouse.errors import QueryError
from warehouse.model.schema import STAGED_FACTS, fact_table, metadata
from warehouse.store import Store

TOTALS_VIEW = "conversation_daily"
VIEW_GROUPS = ("totals", "breakdowns", "single conversations", "marts", "books")
STAR = "star"
"""The group of the tables that the views are made of; they are described when asked for, and not listed."""

_BOOKS = {name for name in metadata.tables if not name.startswith(("fact_", "dim_"))} | {"coverage"}
_OF_THE_STORE = "store_state"

_VIEWS = """
SELECT view_name AS name, comment FROM duckdb_views() WHERE NOT internal AND database_name = current_database()
UNION ALL
SELECT table_name AS name, comment FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()
ORDER BY name
"""
_COLUMNS = """
SELECT table_name AS view, column_name AS name, data_type AS type, comment FROM duckdb_columns()
WHERE NOT internal AND database_name = current_database() ORDER BY table_name, column_index
"""
_MEANINGS = """
SELECT provider, measure, meaning, unit, additivity FROM measure_definition ORDER BY measure, provider
"""


@dataclass(frozen=True)
class ViewColumn:
    """A column; unit and additivity of a measure, None for anything else."""

    name: str
    type: str
    unit: str | None
    additivity: str | None
    comment: str | None


@dataclass(frozen=True)
class View:
    """Something to ask: a view, or a book."""

    name: str
    group: str
    comment: str | None
    columns: tuple[ViewColumn, ...]


@dataclass(frozen=True)
class Meaning:
    """What one provider means by a measure or metric."""

    provider: str
    measure: str
    meaning: str
    unit: str | None
    additivity: str | None


@dataclass(frozen=True)
class Catalog:
    """Everything that can be asked, the tables of the star last."""

    views: tuple[View, ...]
    meanings: tuple[Meaning, ...]

    def public_views(self) -> list[View]:
        """The views and books, group by group."""
        return [view for view in self.views if view.group != STAR]

    def get_view(self, name: str) -> View:
        """The view of that name. Raises QueryError, with the nearest names, when there is none."""
        known = {view.name: view for view in self.views}
        if name.lower() in known:
            return known[name.lower()]
        near = get_close_matches(name.lower(), [view.name for view in self.public_views()], n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else "chatmart sql --list shows what there is."
        raise QueryError(f"There is no view {name!r}: {hint}")

    def meanings_of(self, view: View) -> list[Meaning]:
        """What the providers mean by the measures of a view, or by the metric that it shows."""
        if view.name == "measure_definition":
            return list(self.meanings)
        named = {column.name for column in view.columns}
        if "metric" in named:
            totals = {column.name for column in self.get_view(TOTALS_VIEW).columns}
            return [each for each in self.meanings if each.measure not in totals]
        named.add(view.name.removesuffix("_daily"))
        return [each for each in self.meanings if each.measure in named]


def read_catalog(store: Store) -> Catalog:
    """Ask the published warehouse what it holds. Raises NothingPublished before the first publication."""
    columns: dict[str, list[dict[str, str | None]]] = {}
    for row in store.read(_COLUMNS).to_pylist():
        columns.setdefault(row["view"], []).append(row)
    views = []
    for row in store.read(_VIEWS).to_pylist():
        name = row["name"]
        if name != _OF_THE_STORE:
            beside = {str(column["name"]) for column in columns[name]}
            described = tuple(_column(column, beside) for column in columns[name])
            views.append(View(name, _group(name), row["comment"] or _comment(name), described))
    order = (*VIEW_GROUPS, STAR)
    meanings = tuple(Meaning(**row) for row in store.read(_MEANINGS).to_pylist())
    return Catalog(tuple(sorted(views, key=lambda view: (order.index(view.group), view.name))), meanings)


def _group(name: str) -> str:
    if name == TOTALS_VIEW:
        return "totals"
    if name in _BOOKS:
        return "books"
    if name.startswith(("fact_", "dim_")):
        return STAR
    if name in STAGED_FACTS and "counted_as" in fact_table(name).info:
        return "single conversations"
    return "breakdowns" if name.endswith("_daily") else "marts"


def _column(row: dict[str, str | None], beside: Collection[str]) -> ViewColumn:
    view, name = str(row["view"]), str(row["name"])
    kind = str(row["type"]).replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    comment = row["comment"] or _comment(view, name)
    found = None if view in _BOOKS else find_measure(name, kind)
    if found is None:
        return ViewColumn(name, kind, None, None, comment)
    # the comment repeats what stands in columns of its own
    comment = comment.partition(" Unit: ")[0] if comment else None
    return ViewColumn(
        name, kind, describe_unit(name, kind, beside), found.additivity.removeprefix("additivity "), comment
    )


def _comment(view: str, column: str | None = None) -> str | None:
    """What the star says, where a store keeps no comments."""
    table = metadata.tables.get(view)
    if table is None and view in STAGED_FACTS:
        table = fact_table(view)
    if table is None:
        return None
    if column is None:
        return table.comment
    return table.columns[column].comment if column in table.columns else None
