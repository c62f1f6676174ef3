"""The terms in which a provider declares where its fields land, and the known shape derived from that declaration.

What must not come in: a provider's field, I/O. tests/transforms/test_lineage.py measures that the declarations are
true: it changes the fields of real responses, one after the other.

A place is written as ``items[].perChannel[].channel``. Where a provider may write a breakdown in several ways,
``name``, ``number`` and ``instant`` stand for every accepted spelling. A column is ``view.column``, as people query
it; a metric's column is ``metric_daily.value (calls)``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from transforms.drift import Shape

RECONCILIATION = "reconciliation"
"""The field is compared with another response; the result is a row of this view."""

LEDGER_TOTALS = "load_ledger.totals"
"""The field is kept in the ledger as the provider's own total."""


@dataclass(frozen=True)
class BodyPath:
    """The keys from the root of a body to a value, without list indices, and the shape that is known of the value."""

    keys: tuple[str, ...]
    shape: Shape = None


@dataclass(frozen=True)
class FieldMapping:
    """Where one field lands.

    ``columns`` are the columns that it changes. With ``is_routing`` it decides which day, conversation or member the
    response belongs to, or the response is refused for another value. ``note`` is a condition, or the reason why a
    field without columns is only landed. ``is_landed`` is False for a field that no landed response holds.

    The known shape uses the last two. ``body_path`` is needed where the place alone does not give the keys, or where
    more than the key is known; without it the value is not examined. ``is_in_body`` is False for a field that the
    extractor recorded in the context.
    """

    columns: tuple[str, ...] = ()
    is_routing: bool = False
    note: str = ""
    is_landed: bool = True
    body_path: BodyPath | None = None
    is_in_body: bool = True

    def __str__(self) -> str:
        """Return the text of docs/fields.md."""
        destinations = [*_group_metrics(self.columns)]
        destinations += ["assigns the response"] if self.is_routing else []
        text = ", ".join(destinations) or ("landed only" if self.is_landed else "not landed")
        return f"{text}: {self.note}" if self.note else text


FieldMappings: TypeAlias = Mapping[str, Mapping[str, FieldMapping]]
"""By stream and place: where the field lands."""

ROUTING = FieldMapping(is_routing=True)
"""A field that only decides which day, conversation or member the response belongs to."""


def to(*columns: str, is_routing: bool = False, note: str = "", is_in_body: bool = True) -> FieldMapping:
    """Declare a field that fills columns."""
    return FieldMapping(columns, is_routing, note, is_in_body=is_in_body)


def not_loaded(reason: str) -> FieldMapping:
    """Declare a field that is landed and fills no column."""
    return FieldMapping(note=reason)


def not_landed(reason: str) -> FieldMapping:
    """Declare a field that the provider documents and no landed response holds."""
    return FieldMapping(note=reason, is_landed=False)


def set_body_path(mapping: FieldMapping, *keys: str, shape: Shape = None) -> FieldMapping:
    """Return the mapping with the keys of its value in a body, and the shape known there."""
    return replace(mapping, body_path=BodyPath(keys, shape))


def metric_columns(name: str, *columns: str) -> tuple[str, ...]:
    """Return columns of ``metric_daily`` for one metric; its value when no column is named.

    >>> metric_columns("calls")
    ('metric_daily.value (calls)',)
    """
    return tuple(f"metric_daily.{column} ({name})" for column in columns or ("value",))


def derive_shapes(fields: FieldMappings) -> Mapping[str, Shape]:
    """Return the known shape of each stream's bodies. Drift is a field of a body that is not in this shape."""
    return {stream: derive_shape(mappings) for stream, mappings in fields.items()}


def derive_shape(mappings: Mapping[str, FieldMapping]) -> Shape:
    """Return the shape of a body that holds the declared fields and no others.

    A value that is declared itself is not examined, also when fields inside it are declared.

    >>> derive_shape({"items[].day": ROUTING, "items[].perChannel[].channel": to("channel_daily.channel_code")})
    {'items': {'day': None, 'perChannel': {'channel': None}}}
    """
    paths = [mapping.body_path or _path_of(place) for place, mapping in mappings.items() if mapping.is_in_body]
    return _nest({path.keys: path.shape for path in paths})


def _path_of(place: str) -> BodyPath:
    return BodyPath(tuple(place.replace("[]", "").strip(".").split(".")))


def _nest(shapes: Mapping[tuple[str, ...], Shape]) -> Shape:
    if () in shapes:
        return shapes[()]
    below: dict[str, dict[tuple[str, ...], Shape]] = {}
    for (key, *rest), shape in shapes.items():
        below.setdefault(key, {})[tuple(rest)] = shape
    return {key: _nest(inner) for key, inner in below.items()}


def describe_fields(fields: FieldMappings) -> Iterator[tuple[str, str, str]]:
    """Yield the stream, the place and the destination of each field, as texts for docs/fields.md."""
    for stream, mappings in fields.items():
        for place, mapping in mappings.items():
            yield stream, place, str(mapping)


def _group_metrics(columns: tuple[str, ...]) -> Iterator[str]:
    """Yield each column once, with the metrics whose rows hold it."""
    metrics_of: dict[str, list[str]] = {}
    for column in columns:
        name, _, metric = column.partition(" ")
        metrics_of.setdefault(name, []).extend(filter(None, [metric.strip("()")]))
    for name, metrics in metrics_of.items():
        quoted = f"`{name}`" if "." in name else name
        yield f"{quoted} of {', '.join(f'`{metric}`' for metric in metrics)}" if metrics else quoted
