"""Write a dbt package: the warehouse as sources with descriptions and tests, and two example models.

What must not come in: a name or a meaning of a column of the warehouse, which are in the catalog.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from warehouse.docs.catalog import Column, Relation
from warehouse.exports.yaml_text import render_yaml

PROJECT = "chatmart"
"""Name of the project, its profile, and the attached database."""

_MAIN = "main"
_FILES = {
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "tests/generic/unique_together.sql": "unique_together.sql",
}
"""Files that are the same in every export: by their path in the package, the name of their text."""

_PROFILES_HEAD = """\
# Attaches the warehouse read-only; models are built in a file of their own. Each run opens what is published then.
"""
_SOURCES_HEAD = """\
# Made by `chatmart export dbt` from the declaration of the warehouse: export again instead of changing this file.
"""


@dataclass(frozen=True)
class _Model:
    """An example model: its grain, the views that it reads, and the meaning of the columns that it makes itself."""

    name: str
    comment: str
    grain: tuple[str, ...]
    views: tuple[str, ...]
    columns: tuple[str, ...]
    own_columns: Mapping[str, str]


_MODELS = (
    _Model(
        "account_month",
        "The figures of an account and month that people want first, in one row.",
        ("month", "account"),
        ("conversation_monthly", "understood_monthly", "containment_monthly"),
        (
            *("month", "provider", "account", "days", "days_in_month", "conversations", "conversations_per_day"),
            *("understood_rate", "containment_rate", "cost_amount", "cost_currency"),
        ),
        {"conversations_per_day": "conversations / days, rounded. Never add or average it."},
    ),
    _Model(
        "channel_share_month",
        "The share of each channel in the conversations of an account and month, without test channels.",
        ("month", "account", "channel"),
        ("channel_monthly",),
        ("month", "provider", "account", "channel", "days", "days_in_month", "conversations", "share"),
        {"share": "conversations / conversations of all channels of the account and month. Never add it over months."},
    ),
)


def write_package(catalog: Mapping[str, Relation], warehouse: str, lake: str | None = None) -> dict[str, bytes]:
    """Return the package's files, by their path in it. ``warehouse`` is the path of the DuckDB file that it reads.

    ``lake`` is the folder of the Parquet files, where that file holds nothing but the views of a lake.
    The same catalog and path give the same bytes.
    """
    texts = {name: _read_text(text) for name, text in _FILES.items()}
    texts["dbt_project.yml"] = render_yaml(_describe_project())
    texts["profiles.yml"] = _PROFILES_HEAD + render_yaml(_describe_profile(warehouse, lake))
    texts["models/sources.yml"] = _SOURCES_HEAD + render_yaml(_describe_sources(catalog))
    texts["models/models.yml"] = render_yaml(_describe_models(catalog))
    for model in _MODELS:
        texts[f"models/{model.name}.sql"] = _read_text(f"{model.name}.sql")
    return {name: text.encode() for name, text in texts.items()}


def source_name(schema: str) -> str:
    """Return the name of the source that a schema of the warehouse is."""
    return PROJECT if schema == _MAIN else f"{PROJECT}_{schema}"


def _read_text(name: str) -> str:
    return (files("warehouse.exports") / "dbt_files" / name).read_text("utf-8")


def _describe_project() -> dict[str, Any]:
    return {
        "name": PROJECT,
        "version": version("chatmart"),
        "profile": PROJECT,
        "require-dbt-version": [">=1.10.5", "<3.0.0"],
        "model-paths": ["models"],
        "test-paths": ["tests"],
        "models": {PROJECT: {"+materialized": "table"}},
    }


def _describe_profile(warehouse: str, lake: str | None) -> dict[str, Any]:
    path = warehouse.replace("\\", "\\\\").replace("'", "\\'")
    settings = {"TimeZone": "UTC", **({"file_search_path": lake} if lake else {})}
    output = {
        "type": "duckdb",
        "path": "models.duckdb",
        "threads": 2,
        "settings": settings,
        "attach": [{"path": f"{{{{ env_var('CHATMART_WAREHOUSE', '{path}') }}}}", "alias": PROJECT, "read_only": True}],
    }
    return {PROJECT: {"target": "local", "outputs": {"local": output}}}


def _describe_sources(catalog: Mapping[str, Relation]) -> dict[str, Any]:
    schemas = dict.fromkeys(relation.schema for relation in catalog.values())
    return {
        "version": 2,
        "sources": [
            {
                "name": source_name(schema),
                "database": PROJECT,
                "schema": schema,
                "tables": [
                    _describe_relation(relation, catalog) for relation in catalog.values() if relation.schema == schema
                ],
            }
            for schema in sorted(schemas, key=lambda schema: (schema != _MAIN, schema))
        ],
    }


def _describe_relation(relation: Relation, catalog: Mapping[str, Relation]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": relation.name, "description": relation.comment}
    if len(relation.grain) > 1:
        entry["data_tests"] = [_unique_together(relation.grain)]
    entry["columns"] = [_describe_column(column, catalog) for column in relation.columns]
    return entry


def _describe_column(column: Column, catalog: Mapping[str, Relation]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "description": column.comment, "data_type": column.type}
    tests = list(_list_tests(column, catalog))
    return {**entry, "data_tests": tests} if tests else entry


def _list_tests(column: Column, catalog: Mapping[str, Relation]) -> Iterator[str | dict[str, Any]]:
    if column.is_required:
        yield "not_null"
    if column.is_unique:
        yield "unique"
    if column.joins:
        name, field = column.joins
        source = source_name(catalog[name].schema)
        yield {"relationships": {"arguments": {"to": f"source('{source}', '{name}')", "field": field}}}


def _unique_together(columns: Iterable[str]) -> dict[str, Any]:
    return {"unique_together": {"arguments": {"columns": list(columns)}}}


def _describe_models(catalog: Mapping[str, Relation]) -> dict[str, Any]:
    return {"version": 2, "models": [_describe_model(model, catalog) for model in _MODELS]}


def _describe_model(model: _Model, catalog: Mapping[str, Relation]) -> dict[str, Any]:
    columns = [{"name": name, "description": _find_comment(model, name, catalog)} for name in model.columns]
    for column in columns:
        if column["name"] in model.grain:
            column["data_tests"] = ["not_null"]
    return {
        "name": model.name,
        "description": model.comment,
        "data_tests": [_unique_together(model.grain)],
        "columns": columns,
    }


def _find_comment(model: _Model, name: str, catalog: Mapping[str, Relation]) -> Any:
    if name in model.own_columns:
        return model.own_columns[name]
    view = next(catalog[view] for view in model.views if catalog[view].has(name))
    return view.column(name).comment
