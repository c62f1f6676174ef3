"""Changes of names in a JSON answer, and values that are missing."""

from random import Random

from tests.fuzz.changes import (
    AnswerChange,
    Mutation,
    change_at,
    drop_at,
    pick_spot,
    rename_at,
    replace_at,
    show_path,
    write_json,
)
from tests.fuzz.effects import Effect, Fewer, NameChanged, Refused, Same, Unknown
from tests.fuzz.places import DATE_PARTS, JsonAnswer, Spot


def change_name(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send another name of a member."""
    spots = [spot for spot in answer.spots if spot.kind in ("name", "key") and spot.is_loaded]
    spot = pick_spot(rng, [spot for spot in spots if answer.stream != "channels"])
    if spot is None:
        return None
    name = str(spot.leaf.value)
    other = rng.choice(
        [f"{name}x", f" {name}", f"{name}\n", "null", "NA", "🙂", f"{name}\ud83d", "x" * 400, f"{name}\x00", "é"]
    )
    if other == name:
        return None
    if spot.leaf.field.endswith("conversation_id"):
        effect: Effect = Refused("it names another conversation")
    else:
        effect = NameChanged(spot.mapping.columns, _has_number_beside(answer, spot))
    path = spot.leaf.path
    changed = rename_at(answer.value, path, other) if spot.leaf.is_key else replace_at(answer.value, path, other)
    return AnswerChange(f"{show_path(path)}: {name!r} -> {other[:40]!r}", effect, write_json(changed))


def _has_number_beside(answer: JsonAnswer, spot: Spot) -> bool:
    """Return whether the member has a number that is not zero: members with zero have no row."""
    path = spot.leaf.path if spot.leaf.is_key or spot.leaf.field.endswith("x_values[]") else spot.leaf.path[:-1]
    if "without an entry" in spot.mapping.note or "labels" in path:
        return False  # a title stands for a label, and a label goes before a title
    if spot.leaf.field.endswith("x_values[]"):  # the name of a bin, whose numbers stand at its place in each series
        return any(
            other.number
            for other in answer.spots
            if other.kind == "number" and "values" in other.leaf.path and other.leaf.path[-1] == path[-1]
        )
    numbers = [other.number for other in answer.spots_below(path) if other.kind == "number"]
    return any(numbers) or not numbers


def write_unreadable_name(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send a value that is no text in place of a name."""
    spot = pick_spot(rng, [spot for spot in answer.spots if spot.kind == "name" and spot.leaf.path])
    if spot is None or "properties" in str(spot.leaf.path).casefold():
        return None
    words, value = rng.choice([("true", True), ("a list", ["a"]), ("an object", {"a": "b"}), ("an empty list", [])])
    return change_at(answer, spot, value, words, Refused(f"a name is {words}", not spot.is_loaded))


def remove_value(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send null in place of a value, or leave out its key: it is unknown."""
    spots = [spot for spot in answer.spots if spot.kind != "data" and not spot.leaf.is_key and spot.leaf.path]
    spot = pick_spot(rng, spots)
    if spot is None or (answer.stream in ("channels", "events") and spot.kind == "name"):
        return None  # they say what else is requested
    is_dropped = bool(rng.getrandbits(1)) and isinstance(spot.leaf.path[-1], str)
    path = spot.leaf.path
    changed = drop_at(answer.value, path) if is_dropped else replace_at(answer.value, path, None)
    note = f"{show_path(path)}: {spot.leaf.value!r} -> {'missing' if is_dropped else 'null'}"
    return AnswerChange(note, _effect_of_missing(answer, spot, is_dropped), write_json(changed))


def _effect_of_missing(answer: JsonAnswer, spot: Spot, is_dropped: bool) -> Effect:
    field = spot.leaf.field
    if field in DATE_PARTS:
        return Refused("a date is incomplete")
    if field in ("data.total", "data.count"):
        return Refused("it does not say how many rows there are", may_ignore=True)
    if field == "pagination.has_more" and spot.leaf.value and is_dropped:
        return Fewer(answer.columns_below(()), answer.sum_below(()) + 10**3)  # a missing flag is false: no more pages
    if not spot.mapping.columns and spot.kind != "instant":
        return Same(may_refuse=True)
    if spot.kind == "instant" and not spot.is_loaded:
        return Same(may_refuse=True)
    if spot.kind == "instant":
        return Refused("an instant is missing")
    if spot.kind == "name":
        is_shown = _has_number_beside(answer, spot) and not field.endswith("conversation_id")
        return NameChanged(spot.mapping.columns, is_shown)
    is_zero_omitted = answer.provider == "chatlayer" and is_dropped
    return Unknown({*spot.mapping.columns, *_row_columns(answer, spot)}, may_be_zero=is_zero_omitted)


def _row_columns(answer: JsonAnswer, spot: Spot) -> set[str]:
    """Return the columns of the values beside it: a row without its only number is left out."""
    return answer.columns_below(spot.leaf.path[:-1]) if len(spot.leaf.path) > 1 else set()


NAME_MUTATIONS: tuple[Mutation, ...] = (change_name, write_unreadable_name, remove_value)
