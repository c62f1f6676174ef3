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
from extractors.http.messages import Answer, Asked
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from tests.support.response_leaves import Leaf, changes, found_leaves, home_of, with_change
from tests.support.view_columns import contents, differing
from transforms.chatcaptain.components import CHANNEL, OVERVIEW, numbered, place
from transforms.chatcaptain.export_columns import read_header
from transforms.chunk import Chunk
from transforms.drift import Shape
from transforms.facts import Staged
from transforms.field_mapping import Home
from transforms.registry import transform, transform_of

LATER = datetime(2027, 1, 1, tzinfo=UTC)
FEW, MANY = 2, 9
"""Values of a field that are changed at least, and those that are tried while it does not show where it should."""

Edit = Callable[[str, bytes], bytes]
Change = Callable[[int, dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


@dataclass(frozen=True)
class Spot:
    """A leaf and the answer it stands in."""

    stream: str
    batch: Batch
    part: int
    leaf: Leaf


@dataclass
class Measured:
    """What changes of one field did: columns that other values changed, whether the answer was placed otherwise."""

    columns: set[str] = field(default_factory=set)
    placed: bool = False
    changes: int = 0

    def shows(self, home: Home) -> bool:
        """Whether nothing that is declared is left to be seen."""
        return self.placed >= home.places and self.columns.issuperset(home.columns)


@dataclass
class Lineage:
    """The landed answers of one account, and what becomes of them.

    ``edit`` is applied to every answer before anything is measured; ``only`` are the streams that are
    changed, or single fields with their stream before them.
    """

    chunk: Chunk
    scratch: Path
    edit: Edit | None = None
    only: Collection[str] = ()
    before: Staged = field(init=False)
    _numbers: int = 0

    def __post_init__(self) -> None:
        if self.edit:
            for claim in [each for claims in self.chunk.claims.values() for each in claims]:
                self.chunk = self._with(claim.batch, self._landed(claim.batch, _edited(self.edit, claim.batch.stream)))
        self.before = self._transform(self.chunk)
        self.stood = contents(self.before)

    @property
    def account(self) -> Account:
        return self.chunk.account

    def spots(self) -> Iterator[Spot]:
        """Every value of every answer that counts."""
        for stream, claims in self.chunk.claims.items():
            for claim in claims:
                for number, (part, body) in enumerate(claim.batch.bodies()):
                    home, leaves = self._leaves(stream, part.context, body)
                    yield from (Spot(home, claim.batch, number, leaf) for leaf in leaves)

    def measure(self, found: dict[tuple[str, str], Measured]) -> None:
        """Add what is measured of each field, by stream and declared place; else by the place it was found at."""
        fields = transform_of(self.account.provider).fields
        chosen: dict[tuple[str, str], dict[Any, list[Spot]]] = {}
        for spot in self.spots():
            place_ = home_of(fields.get(spot.stream, {}), spot.leaf.place) or spot.leaf.place
            if not self.only or {spot.stream, f"{spot.stream} {place_}"} & {*self.only}:
                chosen.setdefault((spot.stream, place_), {}).setdefault(spot.leaf.value, []).append(spot)
        for (stream, at), spots in chosen.items():
            home = fields.get(stream, {}).get(at, Home())
            self._measure(found.setdefault((stream, at), Measured()), spots, home)

    def _measure(self, measured: Measured, by_value: dict[Any, list[Spot]], home: Home) -> None:
        for turn, spot in enumerate(_spread(by_value), 1):
            for near, other in changes(spot.leaf):
                measured.changes += 1
                self._note(measured, home, self._after(spot, other), near=near and bool(home.columns))
            if turn >= FEW and measured.shows(home):
                break

    def _note(self, measured: Measured, home: Home, after: Staged | None, *, near: bool) -> None:
        """A change that may lead to another day proves that a field places its answer, and nothing about columns."""
        if after is None:
            measured.placed = True
        elif near or not home.places:
            measured.columns |= differing(self.stood, contents(after))
        elif differing(self.stood, contents(after)) - set(home.columns):
            measured.placed = True

    def _leaves(self, stream: str, context: Mapping[str, Any], body: bytes) -> tuple[str, list[Leaf]]:
        shape: Shape = transform_of(self.account.provider).known.get(stream)
        if stream == "export":
            return stream, _cells(body, self.chunk)
        value = json.loads(body)
        if stream == "channel_report" and "channel_id" not in context:
            return "channels", list(found_leaves(value, None))
        if stream in ("overview_report", "channel_report"):
            names = OVERVIEW if stream == "overview_report" else CHANNEL
            called = {key: numbered(names)[key.casefold()] for key in value}
            leaves = []
            for key, number in called.items():
                at = place(number, names)
                leaves += list(found_leaves(value[key], shape[at], at, (key,)))  # type: ignore[index]
            asked = ("channel_id", "channel_type") if stream == "channel_report" else ()
            return stream, leaves + [Leaf(name, ("context", name), context[name]) for name in asked]
        return stream, list(found_leaves(value, shape))

    def _after(self, spot: Spot, value: Any) -> Staged | None:
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

    def _landed(self, batch: Batch, change: Change) -> Batch:
        """The batch as it would have been landed with other contexts and bodies."""
        self._numbers += 1
        with LandingZone(self.scratch / str(self._numbers)).writer(_key_of(batch, self.account)) as writer:
            for number, (part, body) in enumerate(batch.bodies()):
                context, told = change(number, part.context, body)
                writer.add(Answer(Asked(**part.asked), part.status, part.headers, part.fetched_at, told, context))
            return writer.finish(LATER, facts=batch.manifest["facts"])

    def _with(self, old: Batch, new: Batch) -> Chunk:
        claims = {
            stream: tuple(replace(claim, batch=new) if claim.batch == old else claim for claim in told)
            for stream, told in self.chunk.claims.items()
        }
        return replace(self.chunk, claims=claims)

    def _transform(self, chunk: Chunk) -> Staged:
        scratch = self.scratch / f"staged-{self._numbers}"
        scratch.mkdir(parents=True)
        return transform(replace(chunk, scratch=scratch))


def _spread(by_value: Mapping[Any, list[Spot]]) -> Iterator[Spot]:
    """Spots of different values, then others of the same values; zeros only where nothing else is told."""
    told = [value for value in by_value if value not in (0, "0")] or list(by_value)
    chosen = [by_value[value] for value in told[:: -(-len(told) // MANY)]]
    yield from (spots[0] for spots in chosen)
    yield from (spots[-1] for spots in chosen if len(spots) > 1)


def _edited(edit: Edit, stream: str) -> Change:
    return lambda _, context, body: (context, edit(stream, body))


def _key_of(batch: Batch, account: Account) -> BatchKey:
    return BatchKey(account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window)


def _changed(spot: Spot, body: bytes, value: Any) -> bytes:
    if spot.stream == "export":
        lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
        line, column = spot.leaf.path
        lines[line][column] = str(value)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(lines)
        return out.getvalue().encode()
    return json.dumps(with_change(json.loads(body), spot.leaf, value)).encode()


def _cells(body: bytes, chunk: Chunk) -> list[Leaf]:
    lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
    columns = read_header(body, {}, chunk.where("export")).columns
    return [
        Leaf(name, (number, column), line[column])
        for number, line in enumerate(lines[1:], 1)
        for name, column in columns.items()
        if line and line[column]
    ]
