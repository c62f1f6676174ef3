"""Drift: unknown fields, columns and channels in responses, missing fields, refused metrics, and unconfirmed ends.

Names only, never a value. Drift is no error and is not logged: it is committed with the slices it was seen in. A field
that a vendor documents and we do not load is known. What must not come in: a provider's list of fields (``fields.py``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from extractors.errors import ErrorLocation, ShapeError
from extractors.json_body import replace_lone_surrogates
from extractors.provider_message import FAILURE_KEYS, describe_failure
from transforms import conform
from transforms.chunk import LandedResponse
from warehouse.records import DriftEntry

UNKNOWN_FIELD = "unknown field"
MISSING_FIELD = "missing field"
UNKNOWN_COLUMN = "unknown column"
UNKNOWN_CHANNEL = "unknown channel"
REFUSED_METRIC = "refused metric"
UNCONFIRMED = "unconfirmed"
"""The end of a file: everything that came is loaded, and whether it is all cannot be known."""

MAX_NAMES = 50
"""The most names of one kind that are listed per stream and day; one more entry gives the number of the others."""

_LONGEST_NAME = 100

Shape: TypeAlias = "Mapping[str, Shape] | NamedMembers | None"
"""The known keys of an object, or of each object in a list; None for a value that is not examined."""


@dataclass(frozen=True)
class NamedMembers:
    """Members whose names are data, not fields: a map from name to ``value``, or a list of ``entry`` objects."""

    value: Shape
    entry: Shape = None


def flat_object(*names: str) -> Shape:
    """Return the shape of an object with these keys, whose values are not examined."""
    return dict.fromkeys(names)


def shape_of_key(shape: Shape, key: str) -> Shape:
    """Return the known shape behind a key of an object; None when it is not examined."""
    return shape.get(key) if isinstance(shape, Mapping) else None


def find_unknown_fields(value: Any, known: Shape) -> Iterator[str]:
    """Yield the place of each key that is not known, such as ``items[].perChannel[].mood``. A place may repeat."""
    for place, _, _ in _list_unknown_fields(value, known):
        yield place


def refuse_nested_failure(value: Any, known: Shape, where: ErrorLocation) -> None:
    """Raise ShapeError for an ``error``, ``errors`` or ``fault`` anywhere in a body that is neither known nor empty.

    A failure of a part, such as of one metric, is no drift: the numbers beside it are missing or not to be trusted.
    """
    _refuse_failures(_list_unknown_fields(value, known), where)


UnknownField = tuple[str, str, Any]
"""The place, key and value of a field that is not known."""


def _refuse_failures(unknown_fields: Iterable[UnknownField], where: ErrorLocation) -> None:
    for place, key, inner in unknown_fields:
        if key in FAILURE_KEYS and inner:
            raise ShapeError(where, f"$.{place}", f"is a failure; the provider says: {describe_failure(inner)}", inner)


def _list_unknown_fields(value: Any, known: Shape) -> list[UnknownField]:
    unknown_fields: list[UnknownField] = []
    _collect_unknown_fields(value, known, "", unknown_fields)
    return unknown_fields


def _collect_unknown_fields(value: Any, known: Shape, place: str, unknown_fields: list[UnknownField]) -> None:
    """Append every key that is not known. Called for each object of a body: values without keys are skipped at once."""
    if known is None:
        return
    if isinstance(value, list):
        entry_shape, place = known.entry if isinstance(known, NamedMembers) else known, f"{place}[]"
        flat_keys = entry_shape.keys() if isinstance(entry_shape, dict) and not any(entry_shape.values()) else None
        for entry in value:
            if flat_keys is not None and isinstance(entry, dict) and entry.keys() <= flat_keys:
                continue  # nearly every entry of nearly every list
            if isinstance(entry, dict | list):
                _collect_unknown_fields(entry, entry_shape, place, unknown_fields)
    elif isinstance(value, dict) and isinstance(known, NamedMembers):
        place = _join_place(place, "*")
        for member in value.values():
            _collect_unknown_fields(member, known.value, place, unknown_fields)
    elif isinstance(value, dict) and not isinstance(known, NamedMembers):
        for key, inner in value.items():
            if key not in known:
                unknown_fields.append((_join_place(place, key), key, inner))
            elif isinstance(inner, dict | list):
                _collect_unknown_fields(inner, known[key], _join_place(place, key), unknown_fields)


def _join_place(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


@dataclass
class Drift:
    """Collects the drift of a chunk while the chunk is read.

    The unknown fields of a response are recorded on every day for which the response counts, a channel on its own day.
    """

    _names: dict[tuple[date, str, str], dict[str, str]] = field(default_factory=dict)
    """By day, stream and kind: each name, and the batch that held it last."""

    def checking(self, responses: Iterable[LandedResponse], known: Shape) -> Iterator[LandedResponse]:
        """Yield the responses; record the unknown fields of each after its use, so that errors of shape come first.

        Raises ShapeError for a response that reports a failure of a part.
        """
        for response in responses:
            unknown_fields = _list_unknown_fields(response.root.value, known) if response.days else []
            _refuse_failures(unknown_fields, response.where)
            yield response
            self._record_unknown(response, unknown_fields)

    def record_unknown_fields(self, response: LandedResponse, known: Shape) -> None:
        """Record the fields of a response that are not in the known shape.

        Raises ShapeError for a response that reports a failure of a part.
        """
        if response.days:
            unknown_fields = _list_unknown_fields(response.root.value, known)
            _refuse_failures(unknown_fields, response.where)
            self._record_unknown(response, unknown_fields)

    def _record_unknown(self, response: LandedResponse, unknown_fields: Sequence[UnknownField]) -> None:
        if unknown_fields:
            places = [place for place, _, _ in unknown_fields]
            self.record(response.days, response.where, UNKNOWN_FIELD, places)

    def record_unknown_channels(self, day: date, where: ErrorLocation, codes: Iterable[str]) -> None:
        """Record those channel codes of a local day that conform to no channel."""
        self.record(
            [day],
            where,
            UNKNOWN_CHANNEL,
            (code for code in codes if conform.find_channel(code).channel == conform.OTHER_CHANNEL),
        )

    def record(self, days: Iterable[date], where: ErrorLocation, kind: str, names: Iterable[str]) -> None:
        """Record on each local day the names that the stream and batch ``where`` held."""
        batches = {_shorten(replace_lone_surrogates(name)): where.batch or "" for name in names}
        for day in days if batches else ():
            self._names.setdefault((day, where.stream or "", kind), {}).update(batches)

    def entries(self) -> tuple[DriftEntry, ...]:
        """Return all drift, in the order of day, stream, kind and name."""
        return tuple(entry for key, batches in sorted(self._names.items()) for entry in _list_entries(*key, batches))


def _shorten(name: str) -> str:
    return (name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…") or "(no name)"


def _list_entries(day: date, stream: str, kind: str, batches: Mapping[str, str]) -> Iterator[DriftEntry]:
    names = sorted(batches)
    for name in names[:MAX_NAMES]:
        yield DriftEntry(day, stream, kind, name, batches[name])
    if len(names) > MAX_NAMES:
        more_count = len(names) - MAX_NAMES
        yield DriftEntry(day, stream, kind, f"({more_count} more)", batches[names[MAX_NAMES]])
