import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import CredentialRefused, ExtractionError, RequestRefused, ShapeError
from extractors.fetch import fetch_batches
from extractors.http.client import Client
from extractors.http.limits import RequestLimits
from extractors.http.session import Session
from extractors.landing.batch import Batch
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from extractors.provider import Stream
from extractors.windows import Window
from tests.support.clock import FakeClock
from tests.support.http_session import build_account
from tests.support.scripted_server import ScriptedServer, raw_response

DAYS = Window(date(2025, 3, 1), date(2025, 3, 11)).split_into_days()


async def _fetch(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    batch.add(await session.request("daily", "GET", f"/{window.start.day}"))
    if window.start.day == 4:
        raise ShapeError(session.where("daily"), "page", "leads nowhere", "x")
    if window.start.day == 5:
        await session.request("daily", "GET", "/second")
    return {"day": window.start.day}


DAILY = Stream(windows=lambda _account, window: window.split_into_days(), fetch=_fetch)


def fetch_days(server: ScriptedServer, root: Path, clock: FakeClock) -> tuple[list[ExtractionError], list[Batch]]:
    async def run() -> tuple[list[ExtractionError], list[Batch]]:
        arrived: list[Batch] = []
        async with Client(clock=clock) as client:
            session = client.open_session(build_account(server.origin), RequestLimits(None, 1, 3))
            errors = await fetch_batches(
                LandingZone(root), session, [("daily", DAILY, day) for day in DAYS], arrived.append
            )
        return errors, arrived

    return asyncio.run(run())


def test_what_arrived_is_landed_and_what_failed_is_told(server: ScriptedServer, tmp_path: Path) -> None:
    server.respond = lambda seen: raw_response(b"{}", 404 if seen.path in ("/base/7", "/base/second") else 200)
    clock = FakeClock()
    errors, arrived = fetch_days(server, tmp_path, clock)
    assert [type(error) for error in errors] == [ShapeError, RequestRefused, RequestRefused]
    assert sorted(batch.window.start.day for batch in arrived) == [1, 2, 3, 6, 8, 9, 10]
    assert {batch.fetched_at for batch in arrived} == {clock.now()}
    assert all(batch.manifest["facts"] == {"day": batch.window.start.day} for batch in arrived)
    assert not list(tmp_path.rglob("*.part"))


def test_an_answer_that_cannot_be_followed_is_kept_as_incomplete(server: ScriptedServer, tmp_path: Path) -> None:
    fetch_days(server, tmp_path, FakeClock())
    batches = LandingZone(tmp_path).list_batches("cognigy", "acme", "daily")
    (half,) = (batch for batch in batches if not batch.is_complete)
    assert half.window.start.day == 4
    assert "leads nowhere" in half.manifest["facts"]["error"]
    assert [body for _, body in half.iter_bodies()] == [b'{"ok": true}']


@pytest.mark.parametrize(("body", "is_kept"), [(b"{}", True), ('{"a": "é"}'.encode("latin-1"), False)])
def test_an_answer_is_said_to_be_kept_when_it_was_landed(
    server: ScriptedServer, tmp_path: Path, body: bytes, is_kept: bool
) -> None:
    """The second answer of a batch is kept when an extractor refuses it, and not when it cannot even be parsed."""

    async def fetch(session: Session, _window: Window, batch: BatchWriter) -> dict[str, Any]:
        batch.add(await session.request("daily", "GET", "/first"))
        batch.add(await session.request("daily", "GET", "/second"))
        raise ShapeError(session.where("daily"), "page", "leads nowhere", "x")

    async def run() -> list[ExtractionError]:
        async with Client(clock=FakeClock()) as client:
            session = client.open_session(build_account(server.origin), RequestLimits(None, 1, 3))
            return await fetch_batches(
                LandingZone(tmp_path), session, [("daily", replace(DAILY, fetch=fetch), DAYS[0])]
            )

    server.script(raw_response(b"{}"), raw_response(body))
    [error] = asyncio.run(run())
    assert ("the answer is kept in the landing zone" in str(error)) == is_kept
    assert ("the answer was not kept" in str(error)) == (not is_kept)
    assert error.advice in str(error)


def test_half_a_batch_is_not_landed(server: ScriptedServer, tmp_path: Path) -> None:
    server.respond = lambda seen: raw_response(b"{}", 404 if seen.path == "/base/second" else 200)
    _, arrived = fetch_days(server, tmp_path, FakeClock())
    assert 5 not in {batch.window.start.day for batch in LandingZone(tmp_path).list_batches("cognigy", "acme", "daily")}
    assert 5 not in {batch.window.start.day for batch in arrived}


def test_a_refused_credential_refuses_the_rest(server: ScriptedServer, tmp_path: Path) -> None:
    server.script(raw_response(b"{}", 403))
    errors, arrived = fetch_days(server, tmp_path, FakeClock())
    assert {type(error) for error in errors} == {CredentialRefused}
    assert len(errors) == len(DAYS)
    assert arrived == []
    assert len(server.requests) == 1


def test_a_defect_cancels_the_other_fetches_before_it_is_raised(server: ScriptedServer, tmp_path: Path) -> None:
    going: set[int] = set()
    ended: set[int] = set()

    async def fetch(_session: Session, window: Window, _batch: BatchWriter) -> dict[str, Any]:
        day = window.start.day
        going.add(day)
        if day == 3:
            raise RuntimeError("boom")
        try:
            await asyncio.Event().wait()
        finally:
            ended.add(day)
        return {}

    async def run() -> None:
        stream = Stream(windows=DAILY.windows, fetch=fetch)
        async with Client(clock=FakeClock()) as client:
            session = client.open_session(build_account(server.origin), RequestLimits(None, 1, 3))
            with pytest.raises(RuntimeError, match="boom"):
                await fetch_batches(LandingZone(tmp_path), session, [("daily", stream, day) for day in DAYS])
            assert ended == going - {3} != set()

    asyncio.run(run())
