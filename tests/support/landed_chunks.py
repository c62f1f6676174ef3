"""Lands hand-made answers and builds the chunk a transform is given. For tests of transforms; no HTTP."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from extractors.account import Account
from extractors.http.messages import Answer, Asked
from extractors.landing.batch import BatchKey, newest_by_day
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from transforms.chunk import Chunk, Claim
from transforms.facts import Staged
from transforms.registry import transform

ARRIVED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """One answer to land: its body (JSON value, or bytes as they are), the query asked, and its context."""

    body: Any
    query: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Landings:
    """A landing zone in a test's folder; each landing arrives a minute after the one before."""

    root: Path
    arrivals: int = 0

    def land(self, account: Account, stream: str, window: Window, *answers: Told) -> None:
        self.arrivals += 1
        at = ARRIVED + timedelta(minutes=self.arrivals)
        key = BatchKey(account.provider, account.name, stream, account.external_id, account.timezone, window)
        with LandingZone(self.root / "landing").writer(key) as writer:
            for told in answers:
                body = told.body if isinstance(told.body, bytes) else json.dumps(told.body, default=str).encode()
                writer.add(Answer(Asked("GET", "/", dict(told.query)), 200, {}, at, body, told.context))
            writer.finish(at)

    def chunk(self, account: Account, window: Window) -> Chunk:
        landing = LandingZone(self.root / "landing")
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        claims = {}
        for stream in account.pulled:
            batches = landing.batches(account.provider, account.name, stream)
            newest = newest_by_day(batches, window.days(), account.external_id, account.timezone)
            by_batch: dict[str, tuple[Any, set[date]]] = {}
            for day, batch in newest.items():
                by_batch.setdefault(batch.batch_id, (batch, set()))[1].add(day)
            claims[stream] = tuple(Claim(batch, frozenset(days)) for batch, days in by_batch.values())
        return Chunk(account, tuple(window.days()), claims, scratch)

    def transformed(self, account: Account, window: Window) -> Staged:
        return transform(self.chunk(account, window))


def rows(staged: Staged, table: str, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """A staged table as dicts, without what is NULL, sorted; a Parquet file is read."""
    found = staged.tables.get(table)
    if found is None:
        return []
    read = found if isinstance(found, pa.Table) else pa.parquet.read_table(found)
    picked = read.select(list(columns)) if columns else read
    dropped = [{name: value for name, value in row.items() if value is not None} for row in picked.to_pylist()]
    return sorted(dropped, key=lambda row: json.dumps(row, default=str, sort_keys=True))
