"""The dbt package: every table and column with its meaning and the tests of the star; the same bytes each time."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from warehouse.docs.catalog import Relation
from warehouse.exports.dbt import write_package

PATH = "data/it's \\here/warehouse.duckdb"


def parse(catalog: Mapping[str, Relation], name: str) -> Any:
    return yaml.safe_load(write_package(catalog, PATH)[name])


def list_tables(catalog: Mapping[str, Relation]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Source and entry of every table, by its name."""
    sources = parse(catalog, "models/sources.yml")["sources"]
    return {table["name"]: (source["name"], table) for source in sources for table in source["tables"]}


def test_the_sources_are_the_catalog(catalog: Mapping[str, Relation]) -> None:
    tables = list_tables(catalog)
    assert tables.keys() == catalog.keys()
    for name, (source, table) in tables.items():
        schema = catalog[name].schema
        assert source == ("chatmart" if schema == "main" else f"chatmart_{schema}")
        assert table["description"] == catalog[name].comment
        described = [(column["name"], column["data_type"], column["description"]) for column in table["columns"]]
        assert described == [(column.name, column.type, column.comment) for column in catalog[name].columns]


def test_each_source_is_one_schema_of_the_attached_warehouse(catalog: Mapping[str, Relation]) -> None:
    sources = parse(catalog, "models/sources.yml")["sources"]
    assert {source["database"] for source in sources} == {"chatmart"}
    assert sources[0]["name"] == "chatmart"
    assert {source["schema"] for source in sources} == {relation.schema for relation in catalog.values()}


def test_keys_joins_and_grains_are_tested(catalog: Mapping[str, Relation]) -> None:
    tables = list_tables(catalog)
    _, fact = tables["fact_channel_daily"]
    source, dimension = tables["dim_channel"]
    columns = {column["name"]: column.get("data_tests") for column in fact["columns"]}
    joined = {"relationships": {"arguments": {"to": f"source('{source}', 'dim_channel')", "field": "channel_key"}}}
    assert columns["channel_key"] == ["not_null", joined]
    assert columns["messages"] is None
    grain = ["account_key", "date", "channel_key"]
    assert fact["data_tests"] == [{"unique_together": {"arguments": {"columns": grain}}}]
    assert dimension["columns"][0]["data_tests"] == ["not_null", "unique"]


def test_the_models_read_sources_that_there_are_and_describe_their_columns(catalog: Mapping[str, Relation]) -> None:
    package = write_package(catalog, PATH)
    tables = list_tables(catalog)
    models = {model["name"]: model for model in parse(catalog, "models/models.yml")["models"]}
    assert len(models) == 2
    for name, model in models.items():
        references = re.findall(r"source\('(\w+)', '(\w+)'\)", package[f"models/{name}.sql"].decode())
        assert references
        assert all(tables[table][0] == source for source, table in references)
        assert all(column["description"] for column in model["columns"])


def test_the_profile_attaches_the_warehouse_read_only(catalog: Mapping[str, Relation]) -> None:
    output = parse(catalog, "profiles.yml")["chatmart"]["outputs"]["local"]
    [attached] = output["attach"]
    assert (attached["alias"], attached["read_only"]) == ("chatmart", True)
    assert attached["path"] == r"{{ env_var('CHATMART_WAREHOUSE', 'data/it\'s \\here/warehouse.duckdb') }}"
    assert output["settings"] == {"TimeZone": "UTC"}
    assert parse(catalog, "dbt_project.yml")["profile"] == "chatmart"


def test_the_profile_finds_the_files_of_a_lake(catalog: Mapping[str, Relation]) -> None:
    profile = yaml.safe_load(write_package(catalog, PATH, "/data/lake")["profiles.yml"])
    assert profile["chatmart"]["outputs"]["local"]["settings"]["file_search_path"] == "/data/lake"


def test_no_description_is_a_template(catalog: Mapping[str, Relation]) -> None:
    assert not re.search(r"\{[{%#]", write_package(catalog, PATH)["models/sources.yml"].decode())


def test_the_same_declaration_gives_the_same_bytes(catalog: Mapping[str, Relation]) -> None:
    assert write_package(catalog, PATH) == write_package(dict(catalog), PATH)
