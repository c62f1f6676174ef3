"""The tables and views that each view reads, from its SQL: the lineage that catalogs and orchestrators draw.

What must not come in: the SQL of a view, a connection.
"""

from functools import cache

from warehouse.ddl.views import view_queries
from warehouse.model.schema import metadata


@cache
def view_sources() -> dict[str, tuple[str, ...]]:
    """Return the names of the tables and views that each view reads itself, sorted, by the view's name.

    A view over constants has none.
    """
    from sqlglot import exp, parse_one  # imported late: a reader of the warehouse needs no parser

    names = view_queries().keys() | metadata.tables.keys()
    return {
        view: tuple(sorted({table.name for table in parse_one(query, read="duckdb").find_all(exp.Table)} & names))
        for view, query in view_queries().items()
    }
