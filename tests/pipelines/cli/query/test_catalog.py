import csv
import io
import json
from typing import Any

import pyarrow as pa
import pytest

from pipelines.cli.query.catalog import Catalog, read_catalog
from pipelines.cli.query.meta_commands import describe_view, list_views
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, open_sample_store
from transforms.registry import measure_definitions
from warehouse.ddl.views import view_queries
from warehouse.errors import NothingPublished, QueryError
from warehouse.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("store"))
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 10)))
    store.set_accounts_and_measures([], list(measure_definitions()))
    store.publish()
    return store


@pytest.fixture(scope="module")
def catalog(store: Store) -> Catalog:
    return read_catalog(store)


def render_list(catalog: Catalog, output_format: str) -> str:
    out = io.StringIO()
    list_views(catalog, output_format, out)
    return out.getvalue()


def render_description(catalog: Catalog, name: str, output_format: str = "table") -> str:
    out = io.StringIO()
    describe_view(catalog, name, output_format, out)
    return out.getvalue()


def test_every_view_is_in_one_group_and_has_a_comment(catalog: Catalog) -> None:
    groups: dict[str, set[str]] = {}
    for view in catalog.public_views():
        assert view.comment, view.name
        groups.setdefault(view.group, set()).add(view.name)
    assert groups["totals"] == {"conversation_daily"}
    assert groups["single conversations"] == {"conversation", "conversation_intent", "flow_transition"}
    assert {"channel_daily", "metric_daily", "team_daily", "topic_daily"} <= groups["breakdowns"]
    assert {"coverage", "load_ledger", "measure_definition", "restatement_log", "drift"} <= groups["bookkeeping"]
    names = set.union(*groups.values())
    assert set(view_queries()) <= names
    assert not {name for name in names if name.startswith(("fact_", "dim_", "store_"))}


def test_the_list_is_for_people_and_for_programs(catalog: Catalog) -> None:
    lines = render_list(catalog, "table").splitlines()
    assert lines[:2] == ["totals", next(line for line in lines if line.startswith("conversation_daily  Totals of"))]
    assert [line for line in lines if line != line.rstrip()] == []
    assert any(line.startswith("cognigy") and "Billable conversations" in line for line in lines)
    document = json.loads(render_list(catalog, "json"))
    assert [view["name"] for view in document["views"]] == [view.name for view in catalog.public_views()]
    assert len(document["measures"]) == len(catalog.meanings) == len(list(measure_definitions()))
    rows = list(csv.DictReader(io.StringIO(render_list(catalog, "csv"))))
    assert rows[0]["name"] == "conversation_daily"
    assert set(rows[0]) == {"group", "name", "comment"}


def test_a_view_has_units_additivity_and_meanings(catalog: Catalog) -> None:
    document = json.loads(render_description(catalog, "conversation_daily", "json"))
    columns = {column["name"]: column for column in document["columns"]}
    assert columns["conversations"]["type"] == "BIGINT"
    assert columns["unique_users"]["additivity"] == "not additive"
    assert columns["call_duration_seconds"] == {
        "name": "call_duration_seconds",
        "type": "DECIMAL(18,3)",
        "unit": "seconds",
        "additivity": "additive",
        "comment": "Length of all voice calls.",
    }
    assert columns["cost_amount"]["unit"] == "in cost_currency"
    assert columns["account"]["unit"] is None
    meanings = {(row["provider"], row["measure"]): row["meaning"] for row in document["measures"]}
    assert meanings["cognigy", "conversations"].startswith("Billable conversations")
    assert not {measure for _, measure in meanings} - set(columns)


def test_a_metric_is_explained_where_it_is_shown(catalog: Catalog) -> None:
    def measures(name: str) -> set[str]:
        return {meaning.measure for meaning in catalog.meanings_of(catalog.get_view(name))}

    assert "inbox" in measures("inbox_daily")
    assert "topic" in measures("topic_daily")
    assert "inbox" in measures("metric_daily")
    assert "unique_users" not in measures("metric_daily")
    assert measures("measure_definition") == {meaning.measure for meaning in catalog.meanings}
    assert measures("coverage") == set()


def test_a_description_is_read_by_people_too(catalog: Catalog) -> None:
    text = render_description(catalog, "CHANNEL_daily")
    assert text.startswith("channel_daily (breakdowns)\nA day's conversations by channel")
    assert "call_duration_seconds  DECIMAL(18,3)  seconds" in text
    assert "meaning per provider" in text
    ledger = render_description(catalog, "load_ledger")
    assert "TIMESTAMPTZ" in ledger
    assert "meaning per provider" not in ledger
    rows = list(csv.DictReader(io.StringIO(render_description(catalog, "channel_daily", "csv"))))
    assert [row["name"] for row in rows][:3] == ["date", "provider", "account"]


def test_tables_of_the_star_are_described_by_name(catalog: Catalog) -> None:
    assert render_description(catalog, "fact_channel_daily").startswith("fact_channel_daily (star)")


@pytest.mark.parametrize(
    ("name", "says"), [("chanel_daily", "did you mean channel_daily"), ("xyz", "chatmart sql --list shows")]
)
def test_an_unknown_name_suggests_the_nearest(catalog: Catalog, name: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        catalog.get_view(name)


def test_an_unpublished_store_has_no_catalog(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(NothingPublished):
        read_catalog(open_sample_store(tmp_path_factory.mktemp("empty")))


class StoreWithoutComments:
    """A store that keeps no comments and shows its bookkeeping tables as views."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, query: str) -> pa.Table:
        rows: list[dict[str, Any]] = self._store.read(query).to_pylist()
        return pa.Table.from_pylist([{**row, "comment": None} if "comment" in row else row for row in rows])


def test_comments_come_from_the_declaration_when_the_store_keeps_none(store: Store) -> None:
    catalog = read_catalog(StoreWithoutComments(store))  # type: ignore[arg-type] # only `read` is called
    ledger = catalog.get_view("load_ledger")
    assert ledger.comment is not None
    assert ledger.comment.startswith("One row per slice")
    comments = {column.name: column.comment for column in catalog.get_view("channel_daily").columns}
    assert comments["messages"] == "Messages in the channel."
