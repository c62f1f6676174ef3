"""Where the fields of landed answers land, measured: one field is changed, all is transformed again. No verdicts.

Columns are named as people query them; which staged column a view shows is read from the views themselves.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from extractors.accounts import Account
from extractors.answers import Answer, Asked
from extractors.batches import Batch, BatchKey
from extractors.errors import ShapeError
from extractors.landing import LandingZone
from tests.support.landed import rows
from transforms.chatcaptain_columns import read_header
from transforms.chatcaptain_components import CHANNEL, OVERVIEW, numbered, place
from transforms.chunk import Chunk
from transforms.drift import Named, Shape
from transforms.facts import Staged
from transforms.fields import RECONCILED, TOTALS, Home
from transforms.registry import transform, transform_of
from warehouse.schema import STAGED, fact, grain, metadata, staged_name
from warehouse.views_catalog import view_texts

LATER = datetime(2027, 1, 1, tzinfo=UTC)
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
ROLES = {"key": "name", "id": "name", "name": "name", "timestamp": "instant", "date": "instant"}
FEW, MEMBERS = 4, 9
"""About so many different values of a field are changed; of members all, since one of them may be a special one."""

Path_ = tuple[Any, ...]
Edit = Callable[[str, bytes], bytes]
Change = Callable[[int, dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


@dataclass(frozen=True)
class Leaf:
    """One value in one answer: its place as declared, the way to it, and what stands there."""

    place: str
    path: Path_
    value: Any
    is_key: bool = False


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


def static_leaves(shape: Shape, at: str = "") -> Iterator[str]:
    """The places of a known shape, with the words of the declarations, without ``[]``."""
    if isinstance(shape, Named):
        entry = shape.entry if isinstance(shape.entry, Mapping) else {}
        yield _inside(at, "instant" if "timestamp" in entry else "name")
        yield _inside(at, "number")
    elif shape is None or shape.keys() == {"value", "count"}:
        yield at
    else:
        for key, inside in shape.items():
            yield from static_leaves(inside, _inside(at, key))


def found_leaves(value: Any, shape: Shape, at: str = "", path: Path_ = ()) -> Iterator[Leaf]:
    """The values of an answer that are not null, with their places."""
    if isinstance(shape, Named) and isinstance(value, dict):
        entry = shape.entry if isinstance(shape.entry, Mapping) else {}
        for key, inside in value.items():
            yield Leaf(_inside(at, "instant" if "timestamp" in entry else "name"), (*path, key), key, is_key=True)
            yield from found_leaves(inside, shape.value, _inside(at, "number"), (*path, key))
    elif isinstance(shape, Named):
        for index, row in enumerate(value):
            for key, inside in row.items():
                yield Leaf(_inside(at, ROLES.get(key, "number")), (*path, index, key), inside)
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            yield from found_leaves(inside, shape, f"{at}[]", (*path, index))
    elif isinstance(value, dict):
        scalar = shape is not None and shape.keys() == {"value", "count"}
        for key, inside in value.items():
            below = shape.get(key) if shape is not None else None
            yield from found_leaves(inside, below, at if scalar else _inside(at, key), (*path, key))
    elif value is not None:
        yield Leaf(at, path, value)


def _inside(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def home_of(homes: Mapping[str, Home], place_: str) -> str | None:
    """The declared place that a found one lies in: itself, or the nearest one around it."""
    for length in range(len(place_), 0, -1):
        if place_[:length] in homes and (length == len(place_) or place_[length] in ".["):
            return place_[:length]
    return None


def changes(leaf: Leaf) -> Iterator[tuple[bool, Any]]:
    """Other values than the one that stands there, and whether each is so near that a day's answer stays in its day."""
    value = leaf.value
    if isinstance(value, bool):
        yield True, not value
    elif isinstance(value, int | float):
        yield True, value + 1
    elif re.fullmatch(r"\d+\.\d+", value):
        yield True, str(Decimal(value) + 1)
    elif INSTANT.fullmatch(value):
        moment = datetime.fromisoformat(value)
        yield False, _like(value, moment + timedelta(days=1))
        if "T" in value:
            yield True, _like(value, moment + timedelta(seconds=1 if moment.second < 59 else -1))
    else:
        yield True, f"{value}1" if value.isdecimal() else f"{value}x"


def _like(value: str, moment: datetime) -> str:
    if "T" not in value:
        return f"{moment:%Y-%m-%d}"
    return moment.isoformat(timespec="milliseconds" if "." in value else "seconds").replace("+00:00", "Z")


def with_change(body: Any, leaf: Leaf, value: Any) -> Any:
    """The answer with another value at one leaf."""
    copy = json.loads(json.dumps(body))
    *way, last = leaf.path
    inside = copy
    for step in way:
        inside = inside[step]
    if leaf.is_key:
        items = [(value if key == last else key, told) for key, told in inside.items()]
        inside.clear()
        inside.update(items)
    elif way or isinstance(copy, dict | list):
        inside[last] = value
    return copy


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
        self.stood = _contents(self.before)

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

    def measure(self) -> dict[tuple[str, str], Measured]:
        """For each field by stream and declared place; one without a declaration under the place it was found at."""
        fields = transform_of(self.account.provider).fields
        chosen: dict[tuple[str, str], dict[Any, list[Spot]]] = {}
        for spot in self.spots():
            place_ = home_of(fields.get(spot.stream, {}), spot.leaf.place) or spot.leaf.place
            if not self.only or {spot.stream, f"{spot.stream} {place_}"} & {*self.only}:
                chosen.setdefault((spot.stream, place_), {}).setdefault(spot.leaf.value, []).append(spot)
        return {
            (stream, at): self._measured(spots, fields.get(stream, {}).get(at, Home()))
            for (stream, at), spots in chosen.items()
        }

    def _measured(self, by_value: dict[Any, list[Spot]], home: Home) -> Measured:
        measured = Measured()
        told = [value for value in by_value if value not in (0, "0")] or list(by_value)
        for value in told[:: len(told) // FEW if len(told) > MEMBERS else 1]:
            spots = by_value[value]
            for spot in spots[:: max(1, len(spots) - 1)]:
                for near, other in changes(spot.leaf):
                    measured.changes += 1
                    self._note(measured, home, self._after(spot, other), near=near and bool(home.columns))
        return measured

    def _note(self, measured: Measured, home: Home, after: Staged | None, *, near: bool) -> None:
        """A change that may lead to another day proves that a field places its answer, and nothing about columns."""
        if after is None:
            measured.placed = True
        elif near or not home.places:
            measured.columns |= differing(self.stood, _contents(after))
        elif differing(self.stood, _contents(after)) - set(home.columns):
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


# -- what changed, by the names that people query -------------------------------------------------------------------

Contents = dict[str, Any]


def _contents(staged: Staged) -> Contents:
    found: Contents = {RECONCILED: staged.reconciled, TOTALS: dict(staged.totals)}
    for table in STAGED:
        for row in rows(staged, table):
            name = f"{table} {row['metric']}" if table == "metric_daily" else table
            found.setdefault(name, []).append(row)
    return found


def differing(before: Contents, after: Contents) -> set[str]:
    """The columns of views whose contents differ; a number that only moved to another member does not."""
    found = {name for name in (RECONCILED, TOTALS) if before[name] != after[name]}
    for name in {*before, *after} - {RECONCILED, TOTALS}:
        table, _, metric = name.partition(" ")
        shown = shown_columns()[table, metric if (table, metric) in shown_columns() else ""]
        suffix = f" ({metric})" if metric and (table, metric) not in shown_columns() else ""
        for column in _differing_columns(table, before.get(name, []), after.get(name, [])):
            found.add(f"{shown[column]}{suffix}")
    return found


def _differing_columns(table: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    keys = grain(table)
    members = [column for column in keys if column not in ("date", "metric")]
    moved = False
    for column in members:
        if {row.get(column) for row in before} != {row.get(column) for row in after}:
            moved = True
            yield column
    for declared in fact(table).columns:
        column = staged_name(declared)
        if column in keys or declared.name == "account_key":
            continue
        left, right = (_values(side, column, keys, moved=moved) for side in (before, after))
        if left != right:
            yield column


def _values(side: list[Any], column: str, keys: tuple[str, ...], *, moved: bool) -> Any:
    """A column's values by their rows, or added up over the members of a day (texts: counted) when these differ."""
    if not moved:
        return {tuple(row.get(key) for key in keys): row[column] for row in side if column in row}
    numbers = [(row["date"], row[column]) for row in side if column in row]
    if any(isinstance(value, str | bool | datetime) for _, value in numbers):
        return Counter(numbers)
    totals: Counter[Any] = Counter()
    for day, value in numbers:
        totals[day] += value
    return totals


@cache
def shown_columns() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """By staged table and metric ('': any other): under which ``view.column`` each staged column is shown."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for view, text in view_texts().items():
        query = sqlglot.parse_one(text, read="duckdb")
        tables = {table.alias: table.name for table in query.find_all(exp.Table)}
        facts = [name for name in tables.values() if name.startswith("fact_")]
        if len(facts) != 1:
            continue
        metric = "".join(re.findall(r"m\.metric = '(\w+)'", text))
        columns = found.setdefault((facts[0].removeprefix("fact_"), metric), {})
        for shown in query.expressions:
            for used in shown.find_all(exp.Column):
                staged = _staged(tables[used.table], used.name, facts[0])
                columns.setdefault(staged, f"{view}.{shown.alias_or_name}") if staged else None
    return found


def _staged(table: str, column: str, fact_table: str) -> str | None:
    """The staged column behind a column of a fact or of a dimension that it joins."""
    if table.startswith("fact_"):
        return column
    keys = [each for each in metadata.tables[fact_table].columns if each.info.get("dimension") == table]
    return staged_name(keys[0]) if keys and keys[0].info.get("natural") else None
