"""The values inside an answer, and the declared places that they have. No change, no verdict."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.fuzz.answers import Exchange
from tests.fuzz.subjects import Fetch, Subject
from tests.support.response_leaves import INSTANT, Leaf, find_mapped_field, iterate_leaves
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
    component_label,
    component_numbers,
)
from transforms.drift import NamedMembers, Shape, shape_of_key
from transforms.field_mapping import FieldMapping
from transforms.registry import get_transform

REPORTS = {"overview_report": OVERVIEW_COMPONENTS, "channel_report": CHANNEL_COMPONENTS}
NO_MAPPING = FieldMapping(note="not declared")
DATE_PARTS = ("items[].day", "items[].month", "items[].year")
ENVELOPE_NUMBERS = ("data.total", "data.count", "data.pageSize")

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Spot:
    """One value of an answer. ``kind`` is number, instant, name, flag."""

    leaf: Leaf
    mapping: FieldMapping
    kind: str

    @property
    def is_loaded(self) -> bool:
        return bool(self.mapping.columns) or self.mapping.is_routing

    @property
    def number(self) -> Decimal:
        return Decimal(str(self.leaf.value))


@dataclass(frozen=True)
class JsonAnswer:
    """A JSON answer of one fetch, with its values by place."""

    subject: Subject
    fetch: Fetch
    exchange: Exchange

    @cached_property
    def value(self) -> Any:
        return json.loads(self.exchange.answer.body)

    @property
    def provider(self) -> str:
        return self.subject.plan.provider

    @cached_property
    def stream(self) -> str:
        """The stream whose fields the answer holds: other streams read the list of channels and the events too."""
        path = self.exchange.url.path
        if path.endswith("/channels"):
            return "channels"
        return "events" if path.endswith("/events/stream") else self.fetch.stream

    @cached_property
    def shape(self) -> Shape:
        return get_transform(self.provider).known_shapes.get(self.stream)

    @cached_property
    def spots(self) -> list[Spot]:
        fields = get_transform(self.provider).fields.get(self.stream, {})
        spots = []
        for leaf in self._iterate_leaves():
            place = find_mapped_field(fields, leaf.field)
            mapping = fields[place] if place else NO_MAPPING
            # the x values of a distribution are names of its bins
            kind = "name" if self.stream == "insights" and "x_values" in leaf.field else _kind_of(leaf)
            spots.append(Spot(leaf, mapping, kind))
        return spots

    def spots_below(self, path: Path) -> list[Spot]:
        return [spot for spot in self.spots if spot.leaf.path[: len(path)] == path]

    def columns_below(self, path: Path) -> set[str]:
        return {column for spot in self.spots_below(path) for column in spot.mapping.columns}

    def sum_below(self, path: Path) -> Decimal:
        """Return the sum of all numbers below a path, without their signs."""
        return sum((abs(spot.number) for spot in self.spots_below(path) if spot.kind == "number"), Decimal(0))

    def containers(self, kind: type) -> list[tuple[Path, Any]]:
        """Return all objects, or all lists, with their paths."""
        return [(path, value) for path, value in iterate_containers(self.value) if isinstance(value, kind)]

    @cached_property
    def is_superseded(self) -> bool:
        """Whether the answer lacks rows, which are then requested in parts: the answer itself is not loaded."""
        data = self.value.get("data") if isinstance(self.value, dict) else None
        return self.provider == "inkeep" and isinstance(data, dict) and data["total"] != data["count"]

    def is_map_of_members(self, path: Path) -> bool:
        """Return whether the keys of this object are data: names of members, labels, free properties."""
        if any(step in ("labels", "properties", "userProperties") for step in path):
            return True
        if self.stream == "inbox":
            return True
        if self.stream in REPORTS and path:
            number = component_numbers(REPORTS[self.stream]).get(str(path[0]).casefold())
            label = component_label(number, REPORTS[self.stream]) if number is not None else ""
            return len(path) == 1 and isinstance(shape_of_key(self.shape, label), NamedMembers)
        return False

    def _iterate_leaves(self) -> Iterator[Leaf]:
        if self.stream not in REPORTS:
            yield from iterate_leaves(self.value, self.shape)
            return
        names = REPORTS[self.stream]
        for key, inside in self.value.items():
            label = component_label(component_numbers(names)[key.casefold()], names)
            yield from iterate_leaves(inside, shape_of_key(self.shape, label), label, (key,))


def iterate_containers(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every object and list of a value with its path, the value itself first."""
    if isinstance(value, dict | list):
        yield path, value
        for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
            yield from iterate_containers(inside, (*path, key))


def value_at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _kind_of(leaf: Leaf) -> str:
    last = leaf.field.rsplit(".", 1)[-1]
    if leaf.is_key:
        return "instant" if last == "instant" else "key"
    if "properties" in leaf.path or ("userProperties" in leaf.path and last not in ("id", "userId")):
        return "data"
    if isinstance(leaf.value, bool):
        return "flag"
    if last in ("id", "userId"):
        return "name"
    if "x_values" in last or last in ("timestamp", "firstMessageTime", "firstMessageTime_day", "instant", "createdAt"):
        return "instant"
    if isinstance(leaf.value, int | float):
        return "number"
    if last.startswith(("values", "count", "total", "rank", "depth", "value", "number", "average", "sum")):
        return "number" if _is_numeric(leaf.value) else "name"
    return "instant" if INSTANT.fullmatch(str(leaf.value)) else "name"


def _is_numeric(text: str) -> bool:
    try:
        Decimal(text)
    except ArithmeticError:
        return False
    return True
