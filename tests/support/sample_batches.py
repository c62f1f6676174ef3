"""Batches of one made-up stream in a landing zone of a test. No expectations."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey, select_newest_by_day
from extractors.landing.merge import merge_segments
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from extractors.windows import Window

AT = datetime(2026, 1, 10, 12, tzinfo=UTC)
MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
REQUEST = Request("GET", "/counter", {"month": "3"})


def build_key(window: Window = MARCH, **other: str) -> BatchKey:
    names = {"provider": "cognigy", "account": "acme", "stream": "counter", "external_id": "p1", "zone": "UTC"}
    return BatchKey(**{**names, **other}, window=window)


def build_response(body: bytes, request: Request = REQUEST, **context: Any) -> Response:
    return Response(request, 200, {"content-type": "application/json"}, AT, body, context)


def land_batch(
    zone: LandingZone, *bodies: bytes, at: datetime = AT, key: BatchKey | None = None, **options: Any
) -> Batch:
    with zone.open_writer(key or build_key()) as writer:
        for number, body in enumerate(bodies):
            writer.add(build_response(body, number=number))
        return writer.finish(at, **options)


def list_batches(zone: LandingZone, within: Window | None = None) -> list[Batch]:
    return zone.list_batches("cognigy", "acme", "counter", within)


def add_answer(writer: BatchWriter, response: Response) -> None:
    """Add a response as its stream does: the file of an export in pieces."""
    if writer.key.stream == "export":
        writer.begin_body()
        writer.write(response.body)
        writer.end_body(response)
    else:
        writer.add(response)


def forget_batch(zone: LandingZone, batch: Batch) -> None:
    """Remove a batch, as pruning does."""
    with zone.open_log(batch.provider, batch.account):
        pass  # seals what is open
    merge_segments(zone.account_folder(batch.provider, batch.account), [batch.number], AT)


def list_files(zone: LandingZone, ending: str = "") -> list[Path]:
    return sorted(path for path in zone.root.rglob(f"*{ending}") if path.is_file())


def read_newest_bodies(zone: LandingZone, days: Iterable[date]) -> dict[int, bytes]:
    """Return the first body of the batch that counts for each day, by day of the month."""
    newest = select_newest_by_day(list_batches(zone), days, "p1", "UTC")
    return {day.day: next(batch.iter_bodies())[1] for day, batch in sorted(newest.items())}
