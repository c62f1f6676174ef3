"""Accounts, ledger rows and landed batches for tests of the plan and the claims."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from extractors.cognigy.account import CognigyAccount
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from warehouse.records import LedgerRow

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
STREAM = "conversation_counter"


def build_account(**settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate({"name": "acme", "project_id": "5" * 24, "api_key": "fake", **settings})


def build_window(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))


def build_ledger_row(
    day: date, state: Any = "loaded", batches: Iterable[str] = (), loaded_at: datetime | None = NOW
) -> LedgerRow:
    return LedgerRow(
        date=day,
        provider="cognigy",
        account="acme",
        state=state,
        batches=tuple(batches),
        fetched_at=loaded_at,
        loaded_at=loaded_at,
        rows=1,
        zone="UTC",
        external_id="5" * 24,
        error=None,
        error_at=None,
    )


def land(
    zone: LandingZone, days: Window, at: datetime, *, stream: str = STREAM, landed_at: datetime | None = None
) -> Batch:
    account = build_account()
    key = BatchKey("cognigy", account.name, stream, account.external_id, account.timezone, days)
    with zone.open_writer(key) as writer:
        writer.add(Response(Request("GET", "/"), 200, {}, at, b"{}"))
        return writer.finish(at, landed_at=landed_at)


def is_never_reusable(_batch: Batch, _day: date) -> bool:
    return False


def is_always_reusable(_batch: Batch, _day: date) -> bool:
    return True
