"""Every field lands where it is declared to: a change of the field shows in the declared columns and in no others.

The declarations are the transforms' ``fields``. The fields are measured in responses of the sandbox, of every stream.
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
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.support.landed_chunks import ChunkBuilder
from tests.support.lineage import BodyEdit, FieldMeasurement, Lineage
from tests.support.provider_account import build_provider_account
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
"""Its number is a count of rows, not a field."""
PRIVACY = {"key": "fake-key-of-pseudonyms", "message_texts": "keep", "properties": "keep"}
COUNTERS = ["conversation_counter", "call_counter", "knowledge_query_counter"]
BREAKDOWNS = ["conversations", "conversations_by_channel", "conversations_by_language", "messages", "users"]
CHECKSUMS = ("sum", "max")
CHECKED = [*BREAKDOWNS, "insights", "team_usage"]
REPORTS = ["channels", "overview_report", "channel_report", "inbox"]


def add_documented_fields(stream: str, body: bytes) -> bytes:
    """Add the fields that the vendor's reference names and the sandbox does not send."""
    value = json.loads(body)
    if stream == "events":
        return json.dumps({**value, "next_page_token": "c1"}).encode()
    if stream in ("conversations", "insights") and value:
        for series in value["data"]["series"]:
            series["labels"] = {"bot": "b1"}
    if stream == "team_usage" and value:
        value["data"]["series_labels"] = ["a title"] * len(value["data"]["series"])
    return remove_checksums(stream, json.dumps(value).encode())


def remove_checksums(stream: str, body: bytes) -> bytes:
    """Remove the sum and the maximum of series: a value that is changed beside them is refused, whatever it means."""
    value = json.loads(body)
    if stream in CHECKED and value:
        for series in value["data"]["series"]:
            for name in CHECKSUMS:
                series.pop(name, None)
    return json.dumps(value).encode()


def remove_types(stream: str, body: bytes) -> bytes:
    """Return the export with its channels named only by their ids."""
    return body.replace(b"channelType", b"unnamed", 1) if stream == "export" else body


@dataclass(frozen=True)
class Variant:
    """An account whose responses are measured. Not every shape of a response uses every field."""

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
    Variant("chatlayer", {"streams": [*get_provider("chatlayer").streams]}, edit=add_documented_fields, daily=9),
    Variant("chatlayer", {"streams": BREAKDOWNS}, {"chatlayer_labels": "series_labels"}, edit=remove_checksums),
    Variant(
        "chatlayer",
        {"streams": CHECKED},
        only=[f"{stream} data.series[].{name}" for stream in CHECKED for name in CHECKSUMS],
    ),
    Variant("chatcaptain", {"streams": REPORTS}, window=Window.of_day(DAYS.start)),
    Variant("chatcaptain", {"streams": ["overview_report", "export"]}, only=["export"]),
    Variant("chatcaptain", {"streams": ["channel_report", "export"]}, only=["export channel_id"], edit=remove_types),
    Variant("chatcaptain", {"streams": ["export"]}, {"csv_grain": "total"}, daily=5),
    Variant("chatcaptain", {"streams": ["overview_report", "export"]}, {"csv_grain": "total"}, only=["export"]),
    Variant("inkeep", daily=40),
    Variant("inkeep", {"detail": False}),
)


def list_variants(provider: str) -> list[Variant]:
    """Return the variants of a provider; for one that is not listed, an account with all of its streams."""
    listed = [variant for variant in VARIANTS if variant.provider == provider]
    return listed or [Variant(provider, {"streams": [*get_provider(provider).streams]})]


def build_lineage(variant: Variant, root: Path) -> Lineage:
    """Pull a variant's account, with days of UTC, and return its lineage."""
    bot = {"team_id": "t1"} if variant.provider == "chatlayer" else {}
    sandbox_account = SandboxAccount("acme", variant.provider, "UTC", bot, daily_conversations=variant.daily)
    with Sandbox(World(7, [sandbox_account]), ResponseShapes(**variant.switches)) as sandbox:
        account = build_provider_account(sandbox, sandbox_account, **{"privacy": PRIVACY, **variant.settings})
        assert pull_account(account, variant.window, root) == []
    return Lineage(
        ChunkBuilder(root).build_chunk(account, variant.window), root / "changed", variant.edit, variant.only
    )


def is_export(stream: str) -> bool:
    return stream == "export"


def is_no_export(stream: str) -> bool:
    return stream != "export"


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [
        *((name, lambda _: True) for name in PROVIDERS if name != "chatcaptain"),
        ("chatcaptain", is_no_export),
        pytest.param("chatcaptain", is_export, marks=pytest.mark.long),  # a file's transform takes longest
    ],
)
def test_every_field_lands_where_it_is_declared_to(
    name: str, is_meant: Callable[[str], bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    measured: dict[tuple[str, str], FieldMeasurement] = {}
    for variant in list_variants(name):
        streams = [*{only.split()[0] for only in variant.only}] or variant.settings.get("streams", [""])
        if any(map(is_meant, streams)):
            build_lineage(variant, tmp_path_factory.mktemp(name)).measure(measured)
    declared = {stream: mappings for stream, mappings in get_transform(name).fields.items() if is_meant(stream)}
    wrong = []
    for stream, mappings in declared.items():
        for place, mapping in mappings.items():
            if not mapping.is_landed:
                continue
            measurement = measured.get((stream, place), FieldMeasurement())
            if not measurement.change_count:
                wrong.append(f"{stream} {place}: is in no response")
            if measurement.changed_columns != set(mapping.columns) or measurement.affects_routing != mapping.is_routing:
                wrong.append(
                    f"{stream} {place}: declared {mapping}, "
                    f"measured {sorted(measurement.changed_columns)}, assigns {measurement.affects_routing}"
                )
    assert wrong == []
    known = {(stream, place) for stream, mappings in declared.items() for place in mappings}
    assert measured.keys() - known == set(), "sent by the sandbox, and not declared"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_known_field_is_declared_and_no_other(name: str) -> None:
    rules = get_transform(name)
    assert rules.fields.keys() == set(get_provider(name).streams)
    for stream, mappings in rules.fields.items():
        known = set(known_fields(rules.known_shapes[stream])) if stream in rules.known_shapes else set()
        declared = {place: place.replace("[]", "").removeprefix(".") for place in mappings}
        undeclared = {leaf for leaf in known if not any(_is_within(place, leaf) for place in declared.values())}
        assert undeclared == set(), f"{stream}: no mapping"
        if stream in rules.known_shapes:
            fieldless = {place for place, bare in declared.items() if not any(_is_within(bare, leaf) for leaf in known)}
            assert fieldless <= {"channel_id", "channel_type"}, f"{stream}: a mapping without a field"


def _is_within(place: str, leaf: str) -> bool:
    """Return whether a place is the field itself or inside of it."""
    return place == leaf or place.startswith(f"{leaf}.")


def test_every_declared_column_can_be_queried(tmp_path: Path) -> None:
    store = open_store("duckdb://warehouse.duckdb", tmp_path)
    store.set_accounts_and_measures([], [])
    store.publish()
    rows = store.read("SELECT table_name, column_name FROM information_schema.columns").to_pylist()
    column_names = {f"{row['table_name']}.{row['column_name']}" for row in rows}
    for name in PROVIDERS:
        rules = get_transform(name)
        metrics = {metric.name for metric in rules.metrics}
        for stream, mappings in rules.fields.items():
            for place, mapping in mappings.items():
                for column in set(mapping.columns) - {RECONCILIATION}:
                    plain, _, metric = column.partition(" ")
                    assert plain in column_names, f"{name} {stream} {place}"
                    assert plain.split(".")[0] in (*view_queries(), "load_ledger")
                    assert not metric or metric.strip("()") in metrics
                assert mapping.columns or mapping.is_routing or mapping.note, f"{stream} {place}: no reason"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_metric_is_filled_by_a_field(name: str) -> None:
    rules = get_transform(name)
    filled = {
        column for mappings in rules.fields.values() for mapping in mappings.values() for column in mapping.columns
    }
    for metric in rules.metrics:
        view_columns = map_view_columns().get(("metric_daily", metric.name))
        assert (view_columns["value"] if view_columns else f"metric_daily.value ({metric.name})") in filled | TYPES
