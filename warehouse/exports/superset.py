"""Write the import file of a Superset dashboard: database, datasets, charts and dashboard as YAML in a ZIP.

What must not come in: which charts there are, the meaning of a column.
"""

import itertools
from collections.abc import Iterator, Mapping
from importlib.resources import files
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from warehouse.docs.catalog import Relation
from warehouse.exports.superset_charts import FILTER_VIEW, FILTERS, ROWS, DashboardChart
from warehouse.exports.superset_datasets import (
    DATABASE,
    FORMAT_VERSION,
    describe_database,
    describe_dataset,
    find_time_column,
    list_datasets,
    make_id,
    metric_name,
)
from warehouse.exports.yaml_text import render_yaml

BUNDLE_NAME = "dashboard.zip"
_ROOT = "chatmart"
_TITLE = "Chatbots: chatmart"
_SLUG = "chatmart"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_TIMESTAMP = "1980-01-01T00:00:00+00:00"
_CHART_HEIGHT = 50
_ROW_LIMIT = 10_000
_FORMS = {
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "table": "table",
    "pivot": "pivot_table_v2",
}
_GRAINS = {"date": "P1D", "week": "P1W", "month": "P1M"}
_EMPTY_MASK: dict[str, Any] = {"extraFormData": {}, "filterState": {}, "ownState": {}}


def write_bundle(catalog: Mapping[str, Relation], warehouse: str, lake: str | None = None) -> dict[str, bytes]:
    """Return the files of the export. ``warehouse`` is the path of the DuckDB file on Superset's machine.

    ``lake`` is the folder of the Parquet files, where that file holds nothing but the views of a lake.
    The same catalog and path give the same bytes. Raises KeyError when a chart names a view or a column that is not in
    the catalog.
    """
    readme = (files("warehouse.exports") / "superset_files" / "README.md").read_bytes()
    return {"README.md": readme, BUNDLE_NAME: _zip(_render_parts(catalog, describe_database(warehouse, lake)))}


def _render_parts(catalog: Mapping[str, Relation], database: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of the import file, by their path in it."""
    parts: dict[str, Any] = {
        "metadata.yaml": {"version": FORMAT_VERSION, "type": "Dashboard", "timestamp": _TIMESTAMP},
        f"databases/{DATABASE}.yaml": database,
        f"dashboards/{_SLUG}.yaml": _describe_dashboard(),
    }
    for view in list_datasets(catalog):
        parts[f"datasets/{DATABASE}/{view.name}.yaml"] = describe_dataset(view)
    for chart in _list_charts():
        parts[f"charts/{chart.title.replace(' ', '_').replace(',', '')}.yaml"] = _describe_chart(
            chart, catalog[chart.view]
        )
    return {name: render_yaml(part) for name, part in parts.items()}


def _zip(parts: Mapping[str, str]) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(ZipInfo(f"{_ROOT}/{name}", _ZIP_TIME), text.encode(), ZIP_DEFLATED)
    return content.getvalue()


def _list_charts() -> Iterator[DashboardChart]:
    for row in ROWS:
        yield from row


def _describe_chart(chart: DashboardChart, view: Relation) -> dict[str, Any]:
    for name in (*chart.by, *((chart.along,) if chart.along else ())):
        view.column(name)  # raises KeyError
    return {
        "slice_name": chart.title,
        "description": view.comment,
        "certified_by": None,
        "certification_details": None,
        "viz_type": _FORMS[chart.form],
        "params": {"viz_type": _FORMS[chart.form], **_describe_query(chart, view), **_describe_form(chart)},
        "query_context": None,
        "cache_timeout": None,
        "uuid": str(make_id("chart", chart.title)),
        "version": FORMAT_VERSION,
        "dataset_uuid": str(make_id("dataset", view.name)),
    }


def _describe_query(chart: DashboardChart, view: Relation) -> dict[str, Any]:
    """Return what every form of a chart says of its query."""
    time_column = find_time_column(view)
    filters: list[dict[str, Any]] = []
    if time_column:
        simple = {"subject": time_column, "operator": "TEMPORAL_RANGE", "comparator": "No filter"}
        filters.append({"clause": "WHERE", "expressionType": "SIMPLE", **simple})
    if chart.where:
        filters.append({"clause": "WHERE", "expressionType": "SQL", "sqlExpression": chart.where})
    return {
        "metrics": [metric_name(measure) for measure in chart.measures],
        "adhoc_filters": filters,
        "row_limit": _ROW_LIMIT,
        "time_grain_sqla": _GRAINS.get(chart.along or ""),
        "order_desc": True,
        "extra_form_data": {},
    }


def _describe_form(chart: DashboardChart) -> dict[str, Any]:
    by = list(chart.by)
    match chart.form:
        case "table":
            formats = {metric_name(measure): {"d3NumberFormat": chart.format} for measure in chart.measures}
            newest = next((name for name in by if name in _GRAINS), None)
            order = {"expressionType": "SQL", "sqlExpression": f'max("{newest}")', "label": f"newest {newest}"}
            return {
                "timeseries_limit_metric": order if newest else metric_name(chart.measures[0]),
                "show_cell_bars": False,
                "query_mode": "aggregate",
                "groupby": by,
                "table_timestamp_format": "%Y-%m-%d",
                "column_config": formats,
                "server_page_length": 10,
                "page_length": 10,
            }
        case "pivot":
            return {
                "groupbyRows": by,
                "groupbyColumns": [chart.along],
                "temporal_columns_lookup": {chart.along: True},
                "metricsLayout": "COLUMNS",
                "aggregateFunction": "Sum",
                "valueFormat": chart.format,
                "date_format": "%Y-%m",
                "rowOrder": "key_a_to_z",
                "colOrder": "key_a_to_z",
            }
        case _:
            return {
                "x_axis": chart.along,
                "groupby": by,
                "x_axis_sort_asc": True,
                "stack": "Stack" if chart.is_stacked else None,
                "show_legend": True,
                "legendOrientation": "top",
                "markerEnabled": chart.form == "line",
                "rich_tooltip": True,
                "truncate_metric": True,
                "y_axis_format": chart.format,
                "x_axis_time_format": "smart_date",
                "xAxisLabelRotation": 0 if chart.form == "line" else 45,
            }


def _describe_dashboard() -> dict[str, Any]:
    return {
        "dashboard_title": _TITLE,
        "description": "Made by `chatmart export superset` from the declaration of the warehouse.",
        "css": "",
        "slug": _SLUG,
        "certified_by": None,
        "certification_details": None,
        "published": True,
        "uuid": str(make_id("dashboard", _SLUG)),
        "position": _describe_layout(),
        "metadata": {
            "native_filter_configuration": list(_list_filters()),
            "color_scheme": "supersetColors",
            "cross_filters_enabled": True,
            "refresh_frequency": 0,
        },
        "version": FORMAT_VERSION,
    }


def _describe_layout() -> dict[str, Any]:
    """Return the places of the charts: a grid of rows, as Superset keeps it, each part with its parents."""
    numbers = itertools.count(1)  # an import replaces them by its own
    row_names = [f"ROW-{number}" for number, _ in enumerate(ROWS, 1)]
    layout: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": row_names, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": _TITLE}},
    }
    for row_name, row in zip(row_names, ROWS, strict=True):
        chart_names = [f"CHART-{row_name}-{number}" for number, _ in enumerate(row, 1)]
        layout[row_name] = {
            "type": "ROW",
            "id": row_name,
            "children": chart_names,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart_name, chart in zip(chart_names, row, strict=True):
            layout[chart_name] = {
                "type": "CHART",
                "id": chart_name,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_name],
                "meta": {
                    "chartId": next(numbers),
                    "width": chart.width,
                    "height": _CHART_HEIGHT,
                    "sliceName": chart.title,
                    "uuid": str(make_id("chart", chart.title)),
                },
            }
    return layout


def _list_filters() -> Iterator[dict[str, Any]]:
    yield _describe_filter("Time range", "filter_time", [{}], {})
    for name, column in FILTERS.items():
        target = {"column": {"name": column}, "datasetUuid": str(make_id("dataset", FILTER_VIEW))}
        values = {"multiSelect": True, "enableEmptyFilter": False, "defaultToFirstItem": False}
        yield _describe_filter(name, "filter_select", [target], values)


def _describe_filter(
    name: str, filter_type: str, targets: list[dict[str, Any]], values: dict[str, bool]
) -> dict[str, Any]:
    return {
        "id": f"NATIVE_FILTER-{name.replace(' ', '-')}",
        "name": name,
        "filterType": filter_type,
        "type": "NATIVE_FILTER",
        "targets": targets,
        "defaultDataMask": _EMPTY_MASK,
        "controlValues": {**values},
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "cascadeParentIds": [],
        "description": "",
    }
