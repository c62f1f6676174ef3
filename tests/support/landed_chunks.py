"""Lands hand-made responses and builds the chunk of a transform. For tests of transforms; no HTTP."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from extractors.account import Account
from extractors.http.messages import Request, Response
from extractors.landing.batch import BatchKey, select_newest_by_day
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.sample_batches import add_answer
from transforms.chunk import Chunk, DayClaim
from transforms.facts import TransformResult
from transforms.registry import transform_chunk

FIRST_LANDED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FakeResponse:
    """One response to land: its body (a JSON value, or bytes), the query, body and path of its request, the context."""

    body: Any
    query: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    request_body: Any = None
    path: str = "/"


@dataclass
class ChunkBuilder:
    """A landing zone in a test's folder; each landing arrives a minute after the previous one."""

    root: Path
    landed_count: int = 0

    def land(self, account: Account, stream: str, window: Window, *responses: FakeResponse) -> None:
        self.landed_count += 1
        at = FIRST_LANDED_AT + timedelta(minutes=self.landed_count)
        key = BatchKey(account.provider, account.name, stream, account.external_id, account.timezone, window)
        with LandingZone(self.root / "landing").open_writer(key) as writer:
            for response in responses:
                is_raw = isinstance(response.body, bytes)
                body = response.body if is_raw else json.dumps(response.body, default=str).encode()
                request = Request("GET", response.path, dict(response.query), response.request_body)
                add_answer(writer, Response(request, 200, {}, at, body, response.context))
            writer.finish(at)

    def build_chunk(self, account: Account, window: Window) -> Chunk[Account]:
        landing = LandingZone(self.root / "landing")
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        claims = {}
        for stream in account.enabled_streams:
            batches = landing.list_batches(account.provider, account.name, stream)
            newest = select_newest_by_day(batches, window.days(), account.external_id, account.timezone)
            by_batch: dict[str, tuple[Any, set[date]]] = {}
            for day, batch in newest.items():
                by_batch.setdefault(batch.batch_id, (batch, set()))[1].add(day)
            claims[stream] = tuple(DayClaim(batch, frozenset(days)) for batch, days in by_batch.values())
        return Chunk(account, tuple(window.days()), claims, scratch)

    def transform(self, account: Account, window: Window) -> TransformResult:
        return transform_chunk(self.build_chunk(account, window))


def read_staged_rows(staged: TransformResult, table: str, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return a staged table, in memory or in a file, as dicts without NULL values, sorted."""
    staged_table = staged.tables.get(table)
    if staged_table is None:
        return []
    whole = staged_table if isinstance(staged_table, pa.Table) else pa.parquet.read_table(staged_table)
    picked = whole.select(list(columns)) if columns else whole
    rows = [{name: value for name, value in row.items() if value is not None} for row in picked.to_pylist()]
    return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))
