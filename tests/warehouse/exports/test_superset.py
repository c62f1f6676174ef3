"""The import file of Superset: its parts refer to one another, name what there is, and sum only what adds up."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from warehouse.docs.catalog import Relation
from warehouse.exports.superset import BUNDLE_NAME, write_bundle

WAREHOUSE = "/data/warehouse.duckdb"


@pytest.fixture(scope="module")
def parts(catalog: Mapping[str, Relation]) -> dict[str, Any]:
    """The parsed parts of the file, by their path below its one folder."""
    with ZipFile(BytesIO(write_bundle(catalog, WAREHOUSE)[BUNDLE_NAME])) as bundle:
        return {
            str(PurePosixPath(name).relative_to("chatmart")): yaml.safe_load(bundle.read(name))
            for name in bundle.namelist()
        }


def select(parts: Mapping[str, Any], folder: str) -> list[Any]:
    return [part for name, part in parts.items() if name.startswith(f"{folder}/")]


def test_the_database_is_the_file_opened_read_only(parts: Mapping[str, Any]) -> None:
    [database] = select(parts, "databases")
    assert database["sqlalchemy_uri"] == f"duckdb:///{WAREHOUSE}"
    assert database["extra"]["engine_params"]["connect_args"]["read_only"] is True
    assert {part["database_uuid"] for part in select(parts, "datasets")} == {database["uuid"]}
    assert parts["metadata.yaml"]["type"] == "Dashboard"


def test_the_database_finds_the_files_of_a_lake(catalog: Mapping[str, Relation]) -> None:
    with ZipFile(BytesIO(write_bundle(catalog, WAREHOUSE, "/data/lake")[BUNDLE_NAME])) as bundle:
        database = yaml.safe_load(bundle.read("chatmart/databases/chatmart.yaml"))
    arguments = database["extra"]["engine_params"]["connect_args"]
    assert arguments == {"read_only": True, "config": {"file_search_path": "/data/lake"}}


def test_every_view_is_a_dataset_with_its_columns(parts: Mapping[str, Any], catalog: Mapping[str, Relation]) -> None:
    datasets = {part["table_name"]: part for part in select(parts, "datasets")}
    assert datasets.keys() == {name for name, relation in catalog.items() if relation.is_view}
    for name, dataset in datasets.items():
        described = [(column["column_name"], column["type"], column["description"]) for column in dataset["columns"]]
        assert described == [(column.name, column.type, column.comment) for column in catalog[name].columns]
        assert dataset["schema"] == catalog[name].schema
        assert dataset["main_dttm_col"] is None or catalog[name].column(dataset["main_dttm_col"]).type == "DATE"


def test_metrics_sum_only_what_adds_up(parts: Mapping[str, Any], catalog: Mapping[str, Relation]) -> None:
    for dataset in select(parts, "datasets"):
        sums = {metric["metric_name"] for metric in dataset["metrics"] if metric["metric_name"].startswith("sum_")}
        assert sums == {f"sum_{column.name}" for column in catalog[dataset["table_name"]].columns if column.is_additive}
    [understood] = [part for part in select(parts, "datasets") if part["table_name"] == "understood_monthly"]
    rates = {metric["metric_name"]: metric["expression"] for metric in understood["metrics"]}
    assert rates["understood_rate"] == (
        'sum("understood_messages") / nullif(sum("understood_messages") + sum("misunderstood_messages"), 0)'
    )


def test_every_chart_names_columns_and_metrics_of_its_dataset(
    parts: Mapping[str, Any], catalog: Mapping[str, Relation]
) -> None:
    datasets = {part["uuid"]: part for part in select(parts, "datasets")}
    for chart in select(parts, "charts"):
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        assert metrics.issuperset(params["metrics"]), chart["slice_name"]
        by = [*params.get("groupby", ()), *params.get("groupbyRows", ())]
        assert {"provider", "account", "state"} & set(by), "every provider counts in its own way"
        filtered = [condition["subject"] for condition in params["adhoc_filters"] if "subject" in condition]
        assert catalog[dataset["table_name"]].has(*by, *filtered)


def test_the_dashboard_shows_every_chart_in_a_grid_of_twelve(parts: Mapping[str, Any]) -> None:
    [dashboard] = select(parts, "dashboards")
    layout = {key: part for key, part in dashboard["position"].items() if isinstance(part, dict)}
    shown = [part["meta"]["uuid"] for part in layout.values() if part["type"] == "CHART"]
    assert sorted(shown) == sorted(chart["uuid"] for chart in select(parts, "charts"))
    rows = [part for part in layout.values() if part["type"] == "ROW"]
    assert [sum(layout[name]["meta"]["width"] for name in row["children"]) for row in rows] == [12] * len(rows)
    datasets = {part["uuid"] for part in select(parts, "datasets")}
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert [part["name"] for part in filters] == ["Time range", "Provider", "Account"]
    assert all(target.get("datasetUuid") in {*datasets, None} for part in filters for target in part["targets"])


def test_ids_are_unique_and_the_bytes_the_same_each_time(
    parts: Mapping[str, Any], catalog: Mapping[str, Relation]
) -> None:
    ids = [part["uuid"] for part in parts.values() if "uuid" in part]
    assert len(ids) == len(set(ids)) > 10
    assert write_bundle(catalog, WAREHOUSE) == write_bundle(dict(catalog), WAREHOUSE)
