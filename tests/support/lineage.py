"""Measures where the fields of landed responses land: changes one field and transforms all responses again.

What must not come in: the verdict (tests/transforms/test_lineage.py).
"""

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from tests.support.response_leaves import Leaf, alternative_values, find_mapped_field, iterate_leaves, replaceleaf
from tests.support.sample_batches import add_answer
from tests.support.view_columns import collect_contents, find_differing_columns
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
    component_label,
    component_numbers,
)
from transforms.chatcaptain.export_columns import read_header
from transforms.chunk import Chunk
from transforms.drift import Shape, shape_of_key
from transforms.facts import TransformResult
from transforms.field_mapping import FieldMapping
from transforms.registry import get_transform, transform_chunk

LATER = datetime(2027, 1, 1, tzinfo=UTC)
FEW, MANY = 2, 9
"""The least number of changed values of a field, and the most, while a declared column has not changed."""

BodyEdit = Callable[[str, bytes], bytes]
PartEdit = Callable[[int, dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


@dataclass(frozen=True)
class LeafLocation:
    """A leaf and the response that holds it."""

    stream: str
    batch: Batch
    part: int
    leaf: Leaf


@dataclass
class FieldMeasurement:
    """The effects of changing one field: the changed columns, and whether the response was assigned otherwise."""

    changed_columns: set[str] = field(default_factory=set)
    affects_routing: bool = False
    change_count: int = 0

    def is_complete_for(self, mapping: FieldMapping) -> bool:
        """Return whether every declared effect was measured."""
        return self.affects_routing >= mapping.is_routing and self.changed_columns.issuperset(mapping.columns)


@dataclass
class Lineage:
    """The landed responses of one account and the facts that they become.

    ``edit`` is applied to every response before the measurement. ``only_fields`` are the streams that are changed, or
    single fields as ``stream place``.
    """

    chunk: Chunk[Account]
    scratch: Path
    edit: BodyEdit | None = None
    only_fields: Collection[str] = ()
    baseline: TransformResult = field(init=False)
    _numbers: int = 0

    def __post_init__(self) -> None:
        if self.edit:
            for claim in [claim for claims in self.chunk.claims.values() for claim in claims]:
                self.chunk = self._replace_batch(
                    claim.batch, self._land_edited(claim.batch, _edit_of_stream(self.edit, claim.batch.stream))
                )
        self.baseline = self._transform(self.chunk)
        self.baseline_contents = collect_contents(self.baseline)

    @property
    def account(self) -> Account:
        return self.chunk.account

    def iterate_leaves(self) -> Iterator[LeafLocation]:
        """Yield every value of every response that counts."""
        for stream, claims in self.chunk.claims.items():
            for claim in claims:
                for number, (part, body) in enumerate(claim.batch.iter_bodies()):
                    home_stream, leaves = self._leaves(stream, part.context, body)
                    yield from (LeafLocation(home_stream, claim.batch, number, leaf) for leaf in leaves)

    def measure(self, measurements: dict[tuple[str, str], FieldMeasurement]) -> None:
        """Add the measurement of each field, by stream and declared place; else by the place in the response."""
        fields = get_transform(self.account.provider).fields
        chosen: dict[tuple[str, str], dict[Any, list[LeafLocation]]] = {}
        for spot in self.iterate_leaves():
            place = find_mapped_field(fields.get(spot.stream, {}), spot.leaf.field) or spot.leaf.field
            if not self.only_fields or {spot.stream, f"{spot.stream} {place}"} & {*self.only_fields}:
                chosen.setdefault((spot.stream, place), {}).setdefault(spot.leaf.value, []).append(spot)
        for (stream, at), spots in chosen.items():
            mapping = fields.get(stream, {}).get(at, FieldMapping())
            self._measure(measurements.setdefault((stream, at), FieldMeasurement()), spots, mapping)

    def _measure(
        self, measured: FieldMeasurement, by_value: dict[Any, list[LeafLocation]], mapping: FieldMapping
    ) -> None:
        for turn, spot in enumerate(_spread(by_value), 1):
            for near, other in alternative_values(spot.leaf):
                measured.change_count += 1
                self._record_effect(
                    measured, mapping, self.transform_with(spot, other), near=near and bool(mapping.columns)
                )
            if turn >= FEW and measured.is_complete_for(mapping):
                break

    def _record_effect(
        self, measured: FieldMeasurement, mapping: FieldMapping, after: TransformResult | None, *, near: bool
    ) -> None:
        """Record the effect of a change. A change to another day proves routing, and nothing about columns."""
        if after is None:
            measured.affects_routing = True
        elif near or not mapping.is_routing:
            measured.changed_columns |= find_differing_columns(self.baseline_contents, collect_contents(after))
        elif find_differing_columns(self.baseline_contents, collect_contents(after)) - set(mapping.columns):
            measured.affects_routing = True

    def _leaves(self, stream: str, context: Mapping[str, Any], body: bytes) -> tuple[str, list[Leaf]]:
        shape: Shape = get_transform(self.account.provider).known_shapes.get(stream)
        if stream == "export":
            return stream, _cells(body, self.chunk)
        value = json.loads(body)
        if stream == "channel_report" and "channel_id" not in context:
            return "channels", list(iterate_leaves(value, None))
        if stream in ("overview_report", "channel_report"):
            names = OVERVIEW_COMPONENTS if stream == "overview_report" else CHANNEL_COMPONENTS
            numbers = {key: component_numbers(names)[key.casefold()] for key in value}
            leaves = []
            for key, number in numbers.items():
                at = component_label(number, names)
                leaves += list(iterate_leaves(value[key], shape_of_key(shape, at), at, (key,)))
            context_names = ("channel_id", "channel_type") if stream == "channel_report" else ()
            return stream, leaves + [Leaf(name, ("context", name), context[name]) for name in context_names]
        return stream, list(iterate_leaves(value, shape))

    def transform_with(self, spot: LeafLocation, value: Any) -> TransformResult | None:
        """Return the facts with another value at that place; None when the response is refused then."""

        def change(number: int, context: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
            if number != spot.part:
                return context, body
            if spot.leaf.path[0] == "context":
                return {**context, spot.leaf.path[1]: value}, body
            return context, _replacevalue(spot, body, value)

        try:
            return self._transform(self._replace_batch(spot.batch, self._land_edited(spot.batch, change)))
        except ShapeError:
            return None

    def _land_edited(self, batch: Batch, change: PartEdit) -> Batch:
        """Land the batch again with other contexts and bodies."""
        self._numbers += 1
        with LandingZone(self.scratch / str(self._numbers)).open_writer(_key_of(batch, self.account)) as writer:
            for number, (part, body) in enumerate(batch.iter_bodies()):
                context, edited_body = change(number, part.context, body)
                request = Request(**part.request)
                response = Response(request, part.status, part.headers, part.fetched_at, edited_body, context)
                add_answer(writer, response)
            return writer.finish(LATER, remarks=batch.manifest["facts"])

    def _replace_batch(self, old: Batch, new: Batch) -> Chunk[Account]:
        claims = {
            stream: tuple(replace(claim, batch=new) if claim.batch == old else claim for claim in stream_claims)
            for stream, stream_claims in self.chunk.claims.items()
        }
        return replace(self.chunk, claims=claims)

    def _transform(self, chunk: Chunk[Account]) -> TransformResult:
        scratch = self.scratch / f"staged-{self._numbers}"
        scratch.mkdir(parents=True)
        return transform_chunk(replace(chunk, scratch_folder=scratch))


def _spread(by_value: Mapping[Any, list[LeafLocation]]) -> Iterator[LeafLocation]:
    """Yield places of different values, then others of the same values; zeros only where there is no other value."""
    values = [value for value in by_value if value not in (0, "0")] or list(by_value)
    chosen = [by_value[value] for value in values[:: -(-len(values) // MANY)]]
    yield from (spots[0] for spots in chosen)
    yield from (spots[-1] for spots in chosen if len(spots) > 1)


def _edit_of_stream(edit: BodyEdit, stream: str) -> PartEdit:
    return lambda _, context, body: (context, edit(stream, body))


def _key_of(batch: Batch, account: Account) -> BatchKey:
    return BatchKey(account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window)


def _replacevalue(spot: LeafLocation, body: bytes, value: Any) -> bytes:
    if spot.stream == "export":
        lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
        line, column = spot.leaf.path
        lines[line][column] = str(value)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(lines)
        return out.getvalue().encode()
    return json.dumps(replaceleaf(json.loads(body), spot.leaf, value)).encode()


def _cells(body: bytes, chunk: Chunk[Account]) -> list[Leaf]:
    lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
    columns = read_header(body, {}, chunk.error_location("export")).columns
    return [
        Leaf(name, (number, column), line[column])
        for number, line in enumerate(lines[1:], 1)
        for name, column in columns.items()
        if line and line[column]
    ]
