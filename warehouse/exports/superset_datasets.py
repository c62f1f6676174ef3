"""The database and the datasets of Superset's import file: a dataset for each view, with metrics for what adds up.

What must not come in: charts, the file itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from warehouse.docs.catalog import Column, Relation
from warehouse.exports.superset_charts import RATES

FORMAT_VERSION = "1.0.0"
DATABASE = "chatmart"
_NAMESPACE = uuid5(NAMESPACE_URL, "chatmart/superset")
_TIME_COLUMNS = ("date", "week", "month")


def make_id(kind: str, name: str) -> UUID:
    """Return the id of a thing, the same in every export, so that an import replaces what an earlier one made."""
    return uuid5(_NAMESPACE, f"{kind}/{name}")


def metric_name(measure: str) -> str:
    """Return the name of the metric of a column that adds up, or of a rate; ``count`` is that of rows."""
    return measure if measure in RATES or measure == "count" else f"sum_{measure}"


def find_time_column(view: Relation) -> str | None:
    """Return the column that says which day, week or month a row is of; None where no column does."""
    return next((name for name in _TIME_COLUMNS if view.has(name)), None)


def describe_database(file: str, lake: str | None) -> dict[str, Any]:
    """Return the database: the DuckDB file at this path, read-only, and the folder of the lake whose views it holds."""
    arguments = {"read_only": True, **({"config": {"file_search_path": lake}} if lake else {})}
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": f"duckdb:///{file}",
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {
            "allows_virtual_table_explore": True,
            "engine_params": {"connect_args": arguments},
        },
        "uuid": str(make_id("database", DATABASE)),
        "version": FORMAT_VERSION,
    }


def describe_dataset(view: Relation) -> dict[str, Any]:
    """Return the dataset of a view."""
    return {
        "table_name": view.name,
        "main_dttm_col": find_time_column(view),
        "description": view.comment,
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "catalog": None,
        "schema": view.schema,
        "sql": None,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": None,
        "uuid": str(make_id("dataset", view.name)),
        "metrics": list(_list_metrics(view)),
        "columns": [_describe_column(column) for column in view.columns],
        "version": FORMAT_VERSION,
        "database_uuid": str(make_id("database", DATABASE)),
    }


def list_datasets(catalog: Mapping[str, Relation]) -> list[Relation]:
    """Return the views: what people query. Tables are for tools that build their own model."""
    return [relation for relation in catalog.values() if relation.is_view]


def _list_metrics(view: Relation) -> Iterator[dict[str, Any]]:
    yield _describe_metric("count", "rows", "count(*)", "Rows.")
    for column in view.columns:
        if column.is_additive:
            expression = f'sum("{column.name}")'
            yield _describe_metric(metric_name(column.name), column.name, expression, column.comment)
    for rate, (part, whole) in RATES.items():
        if view.has(rate, part, *whole):
            divisor = " + ".join(f'sum("{name}")' for name in whole)
            expression = f'sum("{part}") / nullif({divisor}, 0)'
            yield _describe_metric(
                metric_name(rate), rate, expression, f"{part} / ({' + '.join(whole)}), of their sums."
            )


def _describe_metric(name: str, label: str, expression: str, description: str) -> dict[str, Any]:
    return {
        "metric_name": name,
        "verbose_name": label,
        "metric_type": None,
        "expression": expression,
        "description": description,
        "d3format": None,
        "extra": {},
        "warning_text": None,
    }


def _describe_column(column: Column) -> dict[str, Any]:
    is_time = column.type == "DATE" or column.type.startswith("TIMESTAMP")
    return {
        "column_name": column.name,
        "verbose_name": None,
        "is_dttm": is_time,
        "is_active": True,
        "type": column.type,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": column.comment,
        "python_date_format": None,
        "extra": {},
    }
