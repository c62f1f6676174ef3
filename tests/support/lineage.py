"""Where the fields of landed answers land, measured: one field is changed, all is transformed again. No verdicts."""

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
from tests.support.response_leaves import Leaf, alternative_values, find_mapped_field, iterate_leaves, replace_leaf
from tests.support.view_columns import collect_contents, find_differing_columns
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
    component_label,
    component_numbers,
)
from transforms.chatcaptain.export_columns import read_header
from transforms.chunk import Chunk
from transforms.drift import Shape
from transforms.facts import TransformResult
from transforms.field_mapping import FieldMapping
from transforms.registry import get_transform, transform_chunk

LATER = datetime(2027, 1, 1, tzinfo=UTC)
FEW, MANY = 2, 9
"""Values of a field that are changed at least, and those that are tried while it does not show where it should."""

BodyEdit = Callable[[str, bytes], bytes]
PartEdit = Callable[[int, dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


@dataclass(frozen=True)
class LeafLocation:
    """A leaf and the answer it stands in."""

    stream: str
    batch: Batch
    part: int
    leaf: Leaf


@dataclass
class FieldMeasurement:
    """What changes of one field did: columns that other values changed, whether the answer was placed otherwise."""

    changed_columns: set[str] = field(default_factory=set)
    affects_routing: bool = False
    change_count: int = 0

    def is_complete_for(self, home: FieldMapping) -> bool:
        """Whether nothing that is declared is left to be seen."""
        return self.affects_routing >= home.is_routing and self.changed_columns.issuperset(home.columns)


@dataclass
class Lineage:
    """The landed answers of one account, and what becomes of them.

    ``edit`` is applied to every answer before anything is measured; ``only`` are the streams that are
    changed, or single fields with their stream before them.
    """

    chunk: Chunk
    scratch: Path
    edit: BodyEdit | None = None
    only_fields: Collection[str] = ()
    baseline: TransformResult = field(init=False)
    _numbers: int = 0

    def __post_init__(self) -> None:
        if self.edit:
            for claim in [each for claims in self.chunk.claims.values() for each in claims]:
                self.chunk = self._with(claim.batch, self._landed(claim.batch, _edited(self.edit, claim.batch.stream)))
        self.baseline = self._transform(self.chunk)
        self.baseline_contents = collect_contents(self.baseline)

    @property
    def account(self) -> Account:
        return self.chunk.account

    def iterate_leaves(self) -> Iterator[LeafLocation]:
        """Every value of every answer that counts."""
        for stream, claims in self.chunk.claims.items():
            for claim in claims:
                for number, (part, body) in enumerate(claim.batch.iter_bodies()):
                    home, leaves = self._leaves(stream, part.context, body)
                    yield from (LeafLocation(home, claim.batch, number, leaf) for leaf in leaves)

    def measure(self, found: dict[tuple[str, str], FieldMeasurement]) -> None:
        """Add what is measured of each field, by stream and declared place; else by the place it was found at."""
        fields = get_transform(self.account.provider).fields
        chosen: dict[tuple[str, str], dict[Any, list[LeafLocation]]] = {}
        for spot in self.iterate_leaves():
            place_ = find_mapped_field(fields.get(spot.stream, {}), spot.leaf.field) or spot.leaf.field
            if not self.only_fields or {spot.stream, f"{spot.stream} {place_}"} & {*self.only_fields}:
                chosen.setdefault((spot.stream, place_), {}).setdefault(spot.leaf.value, []).append(spot)
        for (stream, at), spots in chosen.items():
            home = fields.get(stream, {}).get(at, FieldMapping())
            self._measure(found.setdefault((stream, at), FieldMeasurement()), spots, home)

    def _measure(self, measured: FieldMeasurement, by_value: dict[Any, list[LeafLocation]], home: FieldMapping) -> None:
        for turn, spot in enumerate(_spread(by_value), 1):
            for near, other in alternative_values(spot.leaf):
                measured.change_count += 1
                self._note(measured, home, self._after(spot, other), near=near and bool(home.columns))
            if turn >= FEW and measured.is_complete_for(home):
                break

    def _note(
        self, measured: FieldMeasurement, home: FieldMapping, after: TransformResult | None, *, near: bool
    ) -> None:
        """A change that may lead to another day proves that a field places its answer, and nothing about columns."""
        if after is None:
            measured.affects_routing = True
        elif near or not home.is_routing:
            measured.changed_columns |= find_differing_columns(self.baseline_contents, collect_contents(after))
        elif find_differing_columns(self.baseline_contents, collect_contents(after)) - set(home.columns):
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
            called = {key: component_numbers(names)[key.casefold()] for key in value}
            leaves = []
            for key, number in called.items():
                at = component_label(number, names)
                leaves += list(iterate_leaves(value[key], shape[at], at, (key,)))  # type: ignore[index]
            asked = ("channel_id", "channel_type") if stream == "channel_report" else ()
            return stream, leaves + [Leaf(name, ("context", name), context[name]) for name in asked]
        return stream, list(iterate_leaves(value, shape))

    def _after(self, spot: LeafLocation, value: Any) -> TransformResult | None:
        """What everything becomes with that value; None when the answer is refused then."""

        def change(number: int, context: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
            if number != spot.part:
                return context, body
            if spot.leaf.path[0] == "context":
                return {**context, spot.leaf.path[1]: value}, body
            return context, _changed(spot, body, value)

        try:
            return self._transform(self._with(spot.batch, self._landed(spot.batch, change)))
        except ShapeError:
            return None

    def _landed(self, batch: Batch, change: PartEdit) -> Batch:
        """The batch as it would have been landed with other contexts and bodies."""
        self._numbers += 1
        with LandingZone(self.scratch / str(self._numbers)).open_writer(_key_of(batch, self.account)) as writer:
            for number, (part, body) in enumerate(batch.iter_bodies()):
                context, told = change(number, part.context, body)
                writer.add(Response(Request(**part.request), part.status, part.headers, part.fetched_at, told, context))
            return writer.finish(LATER, remarks=batch.manifest["facts"])

    def _with(self, old: Batch, new: Batch) -> Chunk:
        claims = {
            stream: tuple(replace(claim, batch=new) if claim.batch == old else claim for claim in told)
            for stream, told in self.chunk.claims.items()
        }
        return replace(self.chunk, claims=claims)

    def _transform(self, chunk: Chunk) -> TransformResult:
        scratch = self.scratch / f"staged-{self._numbers}"
        scratch.mkdir(parents=True)
        return transform_chunk(replace(chunk, scratch_folder=scratch))


def _spread(by_value: Mapping[Any, list[LeafLocation]]) -> Iterator[LeafLocation]:
    """Spots of different values, then others of the same values; zeros only where nothing else is told."""
    told = [value for value in by_value if value not in (0, "0")] or list(by_value)
    chosen = [by_value[value] for value in told[:: -(-len(told) // MANY)]]
    yield from (spots[0] for spots in chosen)
    yield from (spots[-1] for spots in chosen if len(spots) > 1)


def _edited(edit: BodyEdit, stream: str) -> PartEdit:
    return lambda _, context, body: (context, edit(stream, body))


def _key_of(batch: Batch, account: Account) -> BatchKey:
    return BatchKey(account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window)


def _changed(spot: LeafLocation, body: bytes, value: Any) -> bytes:
    if spot.stream == "export":
        lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
        line, column = spot.leaf.path
        lines[line][column] = str(value)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(lines)
        return out.getvalue().encode()
    return json.dumps(replace_leaf(json.loads(body), spot.leaf, value)).encode()


def _cells(body: bytes, chunk: Chunk) -> list[Leaf]:
    lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
    columns = read_header(body, {}, chunk.error_location("export")).columns
    return [
        Leaf(name, (number, column), line[column])
        for number, line in enumerate(lines[1:], 1)
        for name, column in columns.items()
        if line and line[column]
    ]
