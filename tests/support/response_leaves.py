"""The values inside a response, their declared places, and other values to put there. For tests."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from transforms.drift import NamedMembers, Shape
from transforms.field_mapping import FieldMapping

INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
ROLES = {"key": "name", "id": "name", "name": "name", "timestamp": "instant", "date": "instant"}

LeafPath = tuple[Any, ...]


@dataclass(frozen=True)
class Leaf:
    """One value in one response: its declared place, the path of keys and indices to it, and the value."""

    field: str
    path: LeafPath
    value: Any
    is_key: bool = False


def known_fields(shape: Shape, at: str = "") -> Iterator[str]:
    """Yield the places of a known shape, with the words of the declarations, without ``[]``."""
    if isinstance(shape, NamedMembers):
        entry = shape.entry if isinstance(shape.entry, Mapping) else {}
        yield _join_place(at, "instant" if "timestamp" in entry else "name")
        yield _join_place(at, "number")
    elif shape is None or shape.keys() == {"value", "count"}:
        yield at
    else:
        for key, inside in shape.items():
            yield from known_fields(inside, _join_place(at, key))


def iterate_leaves(value: Any, shape: Shape, at: str = "", path: LeafPath = ()) -> Iterator[Leaf]:
    """Yield the values of a response that are not null, with their places."""
    if isinstance(shape, NamedMembers) and isinstance(value, dict):
        entry = shape.entry if isinstance(shape.entry, Mapping) else {}
        for key, inside in value.items():
            yield Leaf(_join_place(at, "instant" if "timestamp" in entry else "name"), (*path, key), key, is_key=True)
            yield from iterate_leaves(inside, shape.value, _join_place(at, "number"), (*path, key))
    elif isinstance(shape, NamedMembers):
        for index, row in enumerate(value):
            for key, inside in row.items():
                yield Leaf(_join_place(at, ROLES.get(key, "number")), (*path, index, key), inside)
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            yield from iterate_leaves(inside, shape, f"{at}[]", (*path, index))
    elif isinstance(value, dict):
        scalar = shape is not None and shape.keys() == {"value", "count"}
        for key, inside in value.items():
            below = shape.get(key) if shape is not None else None
            yield from iterate_leaves(inside, below, at if scalar else _join_place(at, key), (*path, key))
    elif value is not None:
        yield Leaf(at, path, value)


def _join_place(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def find_mapped_field(mappings: Mapping[str, FieldMapping], place: str) -> str | None:
    """Return the declared place that holds a place of a response: itself, or the nearest one around it."""
    for length in range(len(place), 0, -1):
        if place[:length] in mappings and (length == len(place) or place[length] in ".["):
            return place[:length]
    return None


def alternative_values(leaf: Leaf) -> Iterator[tuple[bool, Any]]:
    """Yield other values for a leaf, and whether each is so near that the response stays in its day."""
    value = leaf.value
    if isinstance(value, bool):
        yield True, not value
    elif isinstance(value, int | float):
        yield True, value + 1
    elif re.fullmatch(r"\d+\.\d+", value):
        yield True, str(Decimal(value) + 1)
    elif INSTANT.fullmatch(value):
        instant = datetime.fromisoformat(value)
        yield False, _write_like(value, instant + timedelta(days=1))
        if "T" in value:
            yield True, _write_like(value, instant + timedelta(seconds=1 if instant.second < 59 else -1))
    else:
        yield True, f"{value}1" if value.isdecimal() else f"{value}x"


def _write_like(value: str, instant: datetime) -> str:
    if "T" not in value:
        return f"{instant:%Y-%m-%d}"
    return instant.isoformat(timespec="milliseconds" if "." in value else "seconds").replace("+00:00", "Z")


def replaceleaf(body: Any, leaf: Leaf, value: Any) -> Any:
    """Return the body with another value at one leaf."""
    copy = json.loads(json.dumps(body))
    *way, last = leaf.path
    inside = copy
    for step in way:
        inside = inside[step]
    if leaf.is_key:
        items = [(value if key == last else key, member) for key, member in inside.items()]
        inside.clear()
        inside.update(items)
    elif way or isinstance(copy, dict | list):
        inside[last] = value
    return copy
