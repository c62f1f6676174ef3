"""Open the published warehouse of a configuration for reading, as a connection or as the result of one query."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatmart.frames import to_frame
from pipelines.configuration.config import find_config, load_config
from pipelines.loads.workspace import Workspace
from warehouse.sql import fill, ident

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from warehouse.store import Store

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")


def connect(config: str | Path | None = None) -> "duckdb.DuckDBPyConnection":
    """Return a connection of DuckDB to the published warehouse, in UTC; its views and tables are found by their names.

    It shows the state that is published now until it is closed, and blocks no load: connect again to see a newer one.
    The warehouse is read-only; temporary tables, DataFrames by their names, attached files and settings are the
    connection's own. Works alike for a DuckDB file and for a lake.

    `config` is the path of a configuration; without it, the one that the commands find from this folder. Raises
    ConfigError when there is none or it is invalid, NothingPublished before the first load, and the other errors of
    `warehouse.errors`.
    """
    return _open_store(config).connect()


def read(
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    config: str | Path | None = None,
) -> "pd.DataFrame":
    """Return the result of a query as a DataFrame. The query is SQL, or only the name of a view or table.

    Its columns are those of the query. `parameters` are the values of `?` (a sequence) or of `$name` (a mapping) in it.
    Days are `datetime64`, instants `datetime64[us, UTC]`, texts `str`; whole numbers and money are of Arrow's types,
    exact, with NULL as `<NA>`. Units are those of the data dictionary. `config` is as for `connect`.

    Raises ConfigError, NothingPublished, and QueryError for SQL that the engine refuses.
    """
    name = query.strip()
    sql = fill("FROM $name", name=".".join(map(ident, name.split(".")))) if _NAME.fullmatch(name) else query
    with _open_store(config).open_session(sql) as session:
        return to_frame(session.run(sql, parameters))


def _open_store(config: str | Path | None) -> "Store":
    path = find_config(None if config is None else str(config))
    return Workspace.open(load_config(path, allow_unset_secrets=True), command="read").store
