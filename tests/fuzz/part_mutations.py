"""Changes of the parts of a JSON answer: keys, objects, lists and their rows."""

import copy
import json
from decimal import Decimal
from random import Random
from typing import Any

from tests.fuzz.changes import AnswerChange, Mutation, drop_at, literal, rename_at, replace_at, show_path, write_json
from tests.fuzz.effects import AnyWord, Doubled, Effect, Extra, Fewer, NameChanged, Refused, Same, Unknown
from tests.fuzz.places import REPORTS, JsonAnswer, Path, value_at

ORDERED_LISTS = (
    "topIntents",
    "topTopics",
    "topMisunderstoodMessages",
    "counts",
    "x_values",
    "values",
    "series",
    "series_labels",
)
"""Lists whose order means something: a rank, a bucket, a series with its title."""
MAY_REPEAT = ("chatdash", "chatcaptain")
"""Providers whose lists may name a member twice: its numbers are added."""
ONLY_FOLLOWED = ("channels", "events")
"""Streams whose rows say what else is requested."""


def add_unknown_field(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Add a field that is in no reference."""
    objects = [path for path, value in answer.containers(dict) if value and not answer.is_map_of_members(path)]
    if not objects:
        return None
    path = rng.choice(objects)
    value = rng.choice([5, "a", None, [], {}, {"a": [1]}, [{"count": 3}], 1.5, True])
    changed = replace_at(answer.value, path, {**value_at(answer.value, path), "sentiment": value})
    is_series_of_zeros = path[-2:-1] == ("series",) and "values" not in value_at(answer.value, path)
    effect = Extra(may_refuse=is_series_of_zeros) if _is_examined(answer, path) else Same()
    return AnswerChange(f"{show_path(path)}.sentiment: {value!r}", effect, write_json(changed))


def _is_examined(answer: JsonAnswer, path: Path) -> bool:
    """Return whether fields are known there: a trend, the list of channels and events are only landed."""
    if answer.stream in ONLY_FOLLOWED or (path and not answer.spots_below(path)):
        return False
    return not path or answer.stream not in REPORTS or any(spot.is_loaded for spot in answer.spots_below(path))


def double_key(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write a key of an object twice, with the same value or with another."""
    objects = [path for path, value in answer.containers(dict) if value]
    if not objects:
        return None
    path = rng.choice(objects)
    holder = value_at(answer.value, path)
    key = rng.choice(sorted(holder))
    second = (key, rng.choice([holder[key], None, 0, holder[key]]))
    pairs = rng.choice([[second, *holder.items()], [*holder.items(), second]])
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
    changed = replace_at(answer.value, path, literal(text))
    return AnswerChange(f"{show_path(path)}: {key} twice", Refused("a key stands twice"), write_json(changed))


def rename_key(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Give a key another name: its value is missing, and there is an unknown field."""
    keys = [
        (*path, key)
        for path, value in answer.containers(dict)
        if not answer.is_map_of_members(path)
        for key in value
        if any(spot.is_loaded for spot in answer.spots_below((*path, key)))
    ]
    if not keys:
        return None
    path = rng.choice(keys)
    name = rng.choice([f"{path[-1]}_v2", f"the_{path[-1]}", f"{path[-1]}s"])
    effect = AnyWord("a field has another name")
    return AnswerChange(f"{show_path(path)} -> {name}", effect, write_json(rename_at(answer.value, path, name)))


def retype_container(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a text, a number or a list in place of an object or a list."""
    places = [(path, value) for path, value in answer.containers(dict) + answer.containers(list) if path]
    places = [(path, value) for path, value in places if any(spot.is_loaded for spot in answer.spots_below(path))]
    places = [(path, value) for path, value in places if not _is_free(path) and path[-1] != "counts"]
    if not places:
        return None
    path, value = rng.choice(places)
    others: list[Any] = [True, "text", 5, "", ["x"]]
    if isinstance(value, list):
        others += ["a,b", [[]]]
        if answer.stream not in REPORTS:  # there an object is another form of a list of members
            others += [{}, {str(index): inner for index, inner in enumerate(value)}]
    other = rng.choice(others)
    if isinstance(other, int) and isinstance(value, dict) and value.keys() <= {"value", "count"}:
        return None  # a bare number
    changed = replace_at(answer.value, path, other)
    return AnswerChange(
        f"{show_path(path)} -> {str(other)[:40]}", Refused("a part has another type"), write_json(changed)
    )


def remove_container(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send an object or a list that is null, missing or empty."""
    places = [path for path, value in answer.containers(dict) + answer.containers(list) if path and value]
    places = [path for path in places if answer.spots_below(path) and isinstance(path[-1], str)]
    if not places:
        return None
    path = rng.choice(places)
    way = rng.choice(["null", "missing", "empty"])
    if answer.stream == "channels" and way == "empty":
        return None  # an account without channels
    if way == "missing":
        changed = drop_at(answer.value, path)
    else:
        changed = replace_at(answer.value, path, None if way == "null" else type(value_at(answer.value, path))())
    return AnswerChange(f"{show_path(path)} {way}", _effect_of_removal(answer, path, way), write_json(changed))


def _effect_of_removal(answer: JsonAnswer, path: Path, way: str) -> Effect:
    columns = {*answer.columns_below(path), *answer.columns_below(path[:-1])}
    if path[-1] in ("labels", "series_labels"):
        return NameChanged(columns, is_required=False)  # an absent label is the member `unknown`
    if path[-1] == "userProperties":
        return Fewer(columns, Decimal(1))  # a conversation without a user is not counted among users
    if answer.stream == "events":  # the gateway leaves out an empty list: no conversation, no flow
        return Unknown({"flow_transition.at"}, may_be_zero=True)
    is_list = isinstance(value_at(answer.value, path), list) or answer.is_map_of_members(path)
    if path[-1] == "perChannel" or (way == "empty" and is_list):
        return Fewer(columns, answer.sum_below(path))  # without a split, everything is in no channel
    return Unknown(columns, may_be_zero=answer.provider == "chatlayer" and (way != "null" or path == ("data",)))


def _is_free(path: Path) -> bool:
    """Return whether the place holds free properties, which have no shape."""
    return any(step in ("properties", "userProperties") for step in path)


def _pick_rows(answer: JsonAnswer, rng: Random) -> tuple[Path, list[Any]] | None:
    places = [(path, rows) for path, rows in answer.containers(list) if rows and not _is_free(path)]
    places = [(path, rows) for path, rows in places if answer.spots_below(path)]
    return rng.choice(places) if places and answer.stream not in ONLY_FOLLOWED else None


def reorder_rows(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write the rows of a list in another order, where the order means nothing."""
    picked = _pick_rows(answer, rng)
    if picked is None or len(picked[1]) < 2 or picked[0][-1:] in [(name,) for name in ORDERED_LISTS]:
        return None
    path, rows = picked
    changed = replace_at(answer.value, path, rng.sample(rows, len(rows)))
    return AnswerChange(f"{show_path(path)} reordered", Same(), write_json(changed))


def drop_rows(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Leave out a row of a list, or its end. An answer that tells the number of its rows is refused."""
    picked = _pick_rows(answer, rng)
    if picked is None:
        return None
    path, rows = picked
    first = rng.randrange(len(rows))
    last = rng.choice([first + 1, len(rows)])
    columns = {*answer.columns_below(path), *answer.columns_below(path[:-1])}
    effect: Effect = Fewer(columns, answer.sum_below(path) + len(rows))
    if answer.provider == "inkeep":
        effect = Refused("it says how many rows there are, and rows are missing")
    elif path[-1] == "series_labels":
        effect = Refused("there are fewer titles than series", may_ignore=True)
    changed = replace_at(answer.value, path, rows[:first] + rows[last:])
    return AnswerChange(f"{show_path(path)}[{first}:{last}] dropped", effect, write_json(changed))


def double_rows(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Write a row of a list twice, or all of them."""
    picked = _pick_rows(answer, rng)
    if picked is None:
        return None
    path, rows = picked
    index = rng.randrange(len(rows))
    doubled = rng.choice([[*rows, copy.deepcopy(rows[index])], [*rows[: index + 1], *rows[index:]], rows + rows])
    columns = {*answer.columns_below(path), *answer.columns_below(path[:-1])}
    may_add = answer.provider in MAY_REPEAT or (
        path[-1] == "perChannel" and _fills_total(value_at(answer.value, path[:-1]), doubled)
    )
    effect = Doubled(columns, answer.sum_below(path) + len(rows), may_add)
    return AnswerChange(
        f"{show_path(path)}[{index}] twice", effect, write_json(replace_at(answer.value, path, doubled))
    )


def _fills_total(item: Any, split: list[Any]) -> bool:
    """Return whether the sum of a split is its item's total: then a channel that comes twice is two parts of it."""
    return bool(sum(int(part["conversations"]) for part in split) == int(item["conversations"]))


PART_MUTATIONS: tuple[Mutation, ...] = (
    add_unknown_field,
    double_key,
    rename_key,
    retype_container,
    remove_container,
    reorder_rows,
    drop_rows,
    double_rows,
)
