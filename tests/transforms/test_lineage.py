"""Nothing that a provider tells is dropped unsaid: where each field is declared to land is where a change of it shows.

The declarations are the transforms' ``fields``. What is measured are real answers of the sandbox, of every stream.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.registry import PROVIDERS, get_provider
from extractors.windows import Window
from sandbox.accounts import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.support.landed_chunks import ChunkBuilder
from tests.support.lineage import BodyEdit, FieldMeasurement, Lineage
from tests.support.pull_account import pull_account
from tests.support.response_leaves import known_fields
from tests.support.view_columns import map_view_columns
from transforms.field_mapping import RECONCILIATION
from transforms.registry import get_transform
from warehouse.ddl.views import view_queries
from warehouse.store import open_store

DAYS = Window(date(2025, 3, 11), date(2025, 3, 13))
MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
TYPES = {"type_daily.conversations"}
"""Rows are counted there: no field is its number."""
PRIVACY = {"key": "fake-key-of-pseudonyms", "message_texts": "keep", "properties": "keep"}
COUNTERS = ["conversation_counter", "call_counter", "knowledge_query_counter"]
BREAKDOWNS = ["conversations", "conversations_by_channel", "conversations_by_language", "messages", "users"]
REPORTS = ["channels", "overview_report", "channel_report", "inbox"]


def documented(stream: str, body: bytes) -> bytes:
    """The answer with what the reference names and the sandbox does not tell in it."""
    told = json.loads(body)
    if stream == "events":
        return json.dumps({**told, "next_page_token": "c1"}).encode()
    if stream in ("conversations", "insights") and told:
        for serie in told["data"]["series"]:
            serie["labels"] = {"bot": "b1"}
    if stream == "team_usage" and told:
        told["data"]["series_labels"] = ["a title"] * len(told["data"]["series"])
    return json.dumps(told).encode()


def without_types(stream: str, body: bytes) -> bytes:
    """The export with its channels named by their ids only."""
    return body.replace(b"channelType", b"untold", 1) if stream == "export" else body


@dataclass(frozen=True)
class Variant:
    """An account whose answers are measured: not every field is in use in every shape of an answer."""

    provider: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    only: Collection[str] = ()
    edit: BodyEdit | None = None
    window: Window = DAYS
    daily: int = 14


VARIANTS = (
    Variant("cognigy", {"streams": COUNTERS}, window=MARCH),
    Variant("chatdash"),
    Variant("chatdash", switches={"chatdash_totals": "one_count"}),
    Variant("chatlayer", {"streams": [*get_provider("chatlayer").streams]}, edit=documented, daily=9),
    Variant("chatlayer", {"streams": BREAKDOWNS}, {"chatlayer_labels": "series_labels"}),
    Variant("chatcaptain", {"streams": REPORTS}, window=Window.of_day(DAYS.start)),
    Variant("chatcaptain", {"streams": ["overview_report", "export"]}, only=["export"]),
    Variant("chatcaptain", {"streams": ["channel_report", "export"]}, only=["export channel_id"], edit=without_types),
    Variant("chatcaptain", {"streams": ["export"]}, {"csv_grain": "total"}, daily=5),
    Variant("chatcaptain", {"streams": ["overview_report", "export"]}, {"csv_grain": "total"}, only=["export"]),
    Variant("inkeep", daily=40),
    Variant("inkeep", {"detail": False}),
)


def lineage(variant: Variant, root: Path) -> Lineage:
    """The landed answers of a variant's account, days of UTC."""
    bot = {"team_id": "t1"} if variant.provider == "chatlayer" else {}
    there = SandboxAccount("acme", variant.provider, "UTC", bot, daily_conversations=variant.daily)
    with Sandbox(World(7, [there]), ResponseShapes(**variant.switches)) as sandbox:
        [entry] = build_config(sandbox, [there])["accounts"]
        secrets = build_environment([there])
        told = {key: secrets.get(str(value)[2:-1], value) for key, value in entry.items() if key != "provider"}
        account = get_provider(variant.provider).account.model_validate(
            {**told, "privacy": PRIVACY, **variant.settings}
        )
        assert pull_account(account, variant.window, root) == []
    return Lineage(
        ChunkBuilder(root).build_chunk(account, variant.window), root / "changed", variant.edit, variant.only
    )


def export_only(stream: str) -> bool:
    return stream == "export"


def all_but_the_export(stream: str) -> bool:
    return stream != "export"


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [
        *((name, lambda _: True) for name in PROVIDERS if name != "chatcaptain"),
        ("chatcaptain", all_but_the_export),
        pytest.param("chatcaptain", export_only, marks=pytest.mark.long),  # a file's transform takes longest
    ],
)
def test_every_field_lands_where_it_is_declared_to(
    name: str, is_meant: Callable[[str], bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    measured: dict[tuple[str, str], FieldMeasurement] = {}
    for variant in VARIANTS:
        streams = [*{only.split()[0] for only in variant.only}] or variant.settings.get("streams", [""])
        if variant.provider == name and any(map(is_meant, streams)):
            lineage(variant, tmp_path_factory.mktemp(name)).measure(measured)
    declared = {stream: homes for stream, homes in get_transform(name).fields.items() if is_meant(stream)}
    wrong = []
    for stream, homes in declared.items():
        for place, home in homes.items():
            if not home.is_landed:
                continue
            shown = measured.get((stream, place), FieldMeasurement())
            if not shown.change_count:
                wrong.append(f"{stream} {place}: was never told")
            if shown.changed_columns != set(home.columns) or shown.affects_routing != home.is_routing:
                wrong.append(
                    f"{stream} {place}: declared {home}, "
                    f"found {sorted(shown.changed_columns)}, placed {shown.affects_routing}"
                )
    assert wrong == []
    known = {(stream, place) for stream, homes in declared.items() for place in homes}
    assert measured.keys() - known == set(), "told by the sandbox, and declared nowhere"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_known_field_is_declared_and_no_other(name: str) -> None:
    rules = get_transform(name)
    assert rules.fields.keys() == set(get_provider(name).streams)
    for stream, homes in rules.fields.items():
        known = set(known_fields(rules.known_shapes[stream])) if stream in rules.known_shapes else set()
        declared = {place: place.replace("[]", "") for place in homes}
        undeclared = {leaf for leaf in known if not any(_within(place, leaf) for place in declared.values())}
        assert undeclared == set(), f"{stream}: no home"
        if stream in rules.known_shapes:
            beside = {place for place, bare in declared.items() if not any(_within(bare, leaf) for leaf in known)}
            assert beside <= {"channel_id", "channel_type"}, f"{stream}: a home without a field"


def _within(place: str, leaf: str) -> bool:
    """A home is of a field itself, or of something inside of it."""
    return place == leaf or place.startswith(f"{leaf}.")


def test_every_home_is_a_column_that_people_can_ask_for(tmp_path: Path) -> None:
    store = open_store("duckdb://warehouse.duckdb", tmp_path)
    store.set_accounts_and_measures([], [])
    store.publish()
    asked = store.read("SELECT table_name, column_name FROM information_schema.columns").to_pylist()
    there = {f"{row['table_name']}.{row['column_name']}" for row in asked}
    for name in PROVIDERS:
        rules = get_transform(name)
        metrics = {metric.name for metric in rules.metrics}
        for stream, homes in rules.fields.items():
            for place, home in homes.items():
                for column in set(home.columns) - {RECONCILIATION}:
                    plain, _, metric = column.partition(" ")
                    assert plain in there, f"{name} {stream} {place}"
                    assert plain.split(".")[0] in (*view_queries(), "load_ledger")
                    assert not metric or metric.strip("()") in metrics
                assert home.columns or home.is_routing or home.note, f"{stream} {place}: no reason"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_metric_is_filled_by_a_field(name: str) -> None:
    rules = get_transform(name)
    filled = {column for homes in rules.fields.values() for home in homes.values() for column in home.columns}
    for metric in rules.metrics:
        shown = map_view_columns().get(("metric_daily", metric.name))
        assert (shown["value"] if shown else f"metric_daily.value ({metric.name})") in filled | TYPES
