"""A change of an answer, and the writing of changed JSON. No effect is decided here."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fuzz.answers import Answer
from tests.fuzz.effects import Effect
from tests.fuzz.places import JsonAnswer, Path, Spot, value_at

_LITERAL = "@@literal:"


@dataclass(frozen=True)
class AnswerChange:
    """The changed body, the effect that it declares, and in words what was changed."""

    note: str
    effect: Effect
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    announced_length: int | None = None

    def apply_to(self, answer: Answer) -> Answer:
        return Answer(answer.status, {**answer.headers, **self.headers}, self.body, self.announced_length)


Mutation = Callable[[JsonAnswer, Random], AnswerChange | None]
"""Changes a JSON answer; None when the answer has no place for it."""


def literal(text: str) -> str:
    """Return a value that is written as this text, which need not be JSON."""
    return f"{_LITERAL}{text.encode().hex()}@@"


def write_json(value: Any) -> bytes:
    pieces = json.dumps(value, ensure_ascii=False).split(f'"{_LITERAL}')
    written = pieces[0]
    for piece in pieces[1:]:
        digits, _, rest = piece.partition('@@"')
        written += bytes.fromhex(digits).decode() + rest
    return written.encode("utf-8", "surrogatepass")


def replace_at(value: Any, path: Path, new: Any) -> Any:
    """Return a copy with another value at a path."""
    if not path:
        return new
    changed: Any = copy.copy(value)
    changed[path[0]] = replace_at(value[path[0]], path[1:], new) if len(path) > 1 else new
    return changed


def rename_at(value: Any, path: Path, new_key: str) -> Any:
    """Return a copy in which the last key of the path has another name, in its place."""
    changed = copy.deepcopy(value)
    holder = value_at(changed, path[:-1])
    items = [(new_key if key == path[-1] else key, inside) for key, inside in holder.items()]
    holder.clear()
    holder.update(items)
    return changed


def drop_at(value: Any, path: Path) -> Any:
    """Return a copy without the key or element at a path."""
    changed = copy.deepcopy(value)
    del value_at(changed, path[:-1])[path[-1]]
    return changed


def show_path(path: Path) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def pick_spot(rng: Random, spots: list[Spot]) -> Spot | None:
    """Pick a value: first its place, so that rare places are changed as often as common ones."""
    places = sorted({spot.leaf.field for spot in spots})
    if not places:
        return None
    place = rng.choice(places)
    return rng.choice([spot for spot in spots if spot.leaf.field == place])


def change_at(answer: JsonAnswer, spot: Spot, value: Any, words: str, effect: Effect) -> AnswerChange:
    note = f"{show_path(spot.leaf.path)}: {spot.leaf.value!r} -> {words}"
    return AnswerChange(note, effect, write_json(replace_at(answer.value, spot.leaf.path, value)))
