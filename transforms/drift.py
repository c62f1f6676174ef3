"""What answers hold beyond what is known: fields, columns, channels, refused metrics. By name only, never a value.

Drift is no error and is not logged: it is committed with the slices it was found in. What a vendor documents and we do
not load is known. An answer's fields are noted on every day that the answer counts for, a channel on its own day.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from extractors.errors import ErrorLocation
from transforms import conform
from transforms.chunk import LandedResponse
from transforms.reading import replace_lone_surrogates
from warehouse.records import DriftEntry

UNKNOWN_FIELD = "unknown field"
UNKNOWN_COLUMN = "unknown column"
UNKNOWN_CHANNEL = "unknown channel"
REFUSED_METRIC = "refused metric"

MAX_NAMES = 50
"""So many names of one kind are listed of a stream and day; a line after them says how many there are besides."""

_LONGEST_NAME = 100

Shape: TypeAlias = "Mapping[str, Shape] | NamedMembers | None"
"""What is known of a value: the keys of an object, or of each object in a list; None for what is not looked into."""


@dataclass(frozen=True)
class NamedMembers:
    """Members under names that are data, not fields: a map with ``value`` behind each name, or a list of ``entry``."""

    value: Shape
    entry: Shape = None


def flat_object(*names: str) -> Shape:
    """An object of which only the keys are looked at."""
    return dict.fromkeys(names)


def find_unknown_fields(value: Any, known: Shape, place: str = "") -> Iterator[str]:
    """The places of keys that are not known, such as ``items[].perChannel[].mood``; one may come many times."""
    if known is None:
        return
    if isinstance(value, list):
        entry = known.entry if isinstance(known, NamedMembers) else known
        for each in value:
            yield from find_unknown_fields(each, entry, f"{place}[]")
    elif isinstance(value, dict) and isinstance(known, NamedMembers):
        for each in value.values():
            yield from find_unknown_fields(each, known.value, _inside(place, "*"))
    elif isinstance(value, dict) and not isinstance(known, NamedMembers):
        for key, inside in value.items():
            if key not in known:
                yield _inside(place, key)
            elif known[key] is not None:
                yield from find_unknown_fields(inside, known[key], _inside(place, key))


def _inside(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


@dataclass
class Drift:
    """Collects what is found while a chunk is read."""

    _found: dict[tuple[date, str, str], dict[str, str]] = field(default_factory=dict)

    def checking(self, answers: Iterable[LandedResponse], known: Shape) -> Iterator[LandedResponse]:
        """The answers as they come; each is looked at after it was read, so that errors of shape come first."""
        for answer in answers:
            yield answer
            self.record_unknown_fields(answer, known)

    def record_unknown_fields(self, answer: LandedResponse, known: Shape) -> None:
        """Note the fields of an answer that are not known."""
        if answer.days:
            self.record(answer.days, answer.where, UNKNOWN_FIELD, find_unknown_fields(answer.root.value, known))

    def record_unknown_channels(self, day: date, where: ErrorLocation, codes: Iterable[str]) -> None:
        """Note those of the channel codes that are in no conformed channel."""
        self.record(
            [day],
            where,
            UNKNOWN_CHANNEL,
            (code for code in codes if conform.find_channel(code).channel == conform.OTHER_CHANNEL),
        )

    def record(self, days: Iterable[date], where: ErrorLocation, kind: str, names: Iterable[str]) -> None:
        """Note names that the batch ``where`` speaks of holds, on each of the days."""
        found = {_short(replace_lone_surrogates(name)): where.batch or "" for name in names}
        for day in days if found else ():
            self._found.setdefault((day, where.stream or "", kind), {}).update(found)

    def entries(self) -> tuple[DriftEntry, ...]:
        """All that was noted, in order."""
        return tuple(line for slice_, names in sorted(self._found.items()) for line in _listed(*slice_, names))


def _short(name: str) -> str:
    return (name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…") or "(no name)"


def _listed(day: date, stream: str, kind: str, names: Mapping[str, str]) -> Iterator[DriftEntry]:
    ordered = sorted(names)
    for name in ordered[:MAX_NAMES]:
        yield DriftEntry(day, stream, kind, name, names[name])
    if len(ordered) > MAX_NAMES:
        rest = len(ordered) - MAX_NAMES
        yield DriftEntry(day, stream, kind, f"({rest} more)", names[ordered[MAX_NAMES]])
