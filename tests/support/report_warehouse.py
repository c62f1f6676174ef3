"""An invented warehouse for reports: three accounts that tell different things, eight weeks up to 28 March 2025.

``support`` tells conversations and channels, ``sales`` cost, understanding, cut-off intents and countries, ``voice``
(which begins in March) channels with a test channel, languages, complete intents and single conversations.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from extractors.account import Account
from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatdash.provider import ChatdashAccount
from extractors.cognigy.provider import CognigyAccount
from pipelines.loads.workspace import account_row
from tests.warehouse.sample import chunk, days, staged
from warehouse.records import MeasureDefinition, Reconciled
from warehouse.store import Store

NOW = datetime(2025, 3, 29, 12, tzinfo=UTC)
FEBRUARY, MARCH, LAST = date(2025, 2, 1), date(2025, 3, 1), date(2025, 3, 28)
BOTH = (MARCH - timedelta(days=28), LAST)
HOSTILE = "</title><script>alert('x')</script>\"&amp; ü"
"""What a name from outside may be."""

Row = dict[str, Any]


def cognigy(name: str, **more: Any) -> CognigyAccount:
    base = {"name": name, "project_id": "0" * 24, "api_key": "fake-key", "start_date": FEBRUARY}
    return CognigyAccount.model_validate({**base, **more})


SUPPORT = cognigy("support")
SALES = ChatdashAccount.model_validate(
    {"name": "sales", "project_id": "p", "api_key": "fake-key", "start_date": FEBRUARY}
)
VOICE = ChatcaptainAccount.model_validate(
    {"name": "voice", "chatbot_id": "c", "api_key": "fake-key", "start_date": MARCH}
)
ACCOUNTS: tuple[Account, ...] = (SUPPORT, SALES, VOICE)
MEANINGS = [
    MeasureDefinition("cognigy", "conversations", "Billable units.", "units", "additive"),
    MeasureDefinition("chatdash", "conversations", "Chats of the project.", "conversations", "additive"),
]


def fill(store: Store) -> None:
    """Load and publish it all."""
    store.describe([account_row(account) for account in ACCOUNTS], MEANINGS)
    load(store, SUPPORT, days(56, FEBRUARY), _support())
    load(store, SALES, days(56, FEBRUARY), _sales())
    told, there = Decimal(12), Decimal(10)
    line = Reconciled(MARCH, "conversations", "export", told, there, "unexplained", None)
    load(store, VOICE, days(28, MARCH), _voice(), reconciled=(line,))
    store.publish()


def load(
    store: Store, account: Account, slices: Sequence[date], facts: Mapping[str, Sequence[Row]], **more: Any
) -> None:
    """Commit these days of an account; a day without a row of totals is one on which nothing is told."""
    told = {row["date"] for row in facts.get("conversation_daily", ())}
    totals = [*facts.get("conversation_daily", ()), *({"date": day} for day in slices if day not in told)]
    tables = {name: staged(name, rows) for name, rows in {**facts, "conversation_daily": totals}.items()}
    store.commit(chunk(list(slices), dict(tables), account=account_row(account), loaded_at=NOW, **more))


def _support() -> dict[str, list[Row]]:
    return {
        "conversation_daily": [
            {"date": day, "conversations": 1000 + 10 * day.day, "call_duration_seconds": Decimal(90)}
            for day in _weeks()
        ],
        "channel_daily": [
            {"date": day, "channel_code": code, "conversations": count}
            for day in _weeks()
            for code, count in (("webchat", 900), ("whatsapp", 100))
        ],
    }


def _sales() -> dict[str, list[Row]]:
    return {
        "conversation_daily": [
            {
                "date": day,
                "conversations": 20,
                "understood_messages": 9 if day < MARCH else 8,
                "misunderstood_messages": 1,
                "cost_amount": Decimal("0.5") if day.day % 2 else Decimal(3),
                "cost_currency": "EUR" if day.day % 2 else "USD",
            }
            for day in _weeks()
        ],
        "intent_daily": [
            {"date": day, "intent": intent, "hits": hits, "rank": rank, "is_top_n": True}
            for day in _weeks()
            for rank, (intent, hits) in enumerate(((HOSTILE, 5), ("prices", 3)), start=1)
        ],
        "country_daily": [
            {"date": day, "country_code": "NA", "conversations": 7 if day < MARCH else 14} for day in _weeks()
        ],
    }


def _voice() -> dict[str, list[Row]]:
    march = days(28, MARCH)
    start = datetime(2025, 3, 1, 12, tzinfo=UTC)
    return {
        "conversation_daily": [{"date": day, "conversations": 50, "messages": 300} for day in march],
        "channel_daily": [
            {"date": day, "channel_code": code, "conversations": count}
            for day in march
            for code, count in (("webchat", 50), ("debug", 4))
        ],
        "language_daily": [{"date": day, "language_code": "pt-BR", "conversations": 50} for day in march],
        "intent_daily": [{"date": day, "intent": "refund", "hits": 2, "rank": 1, "is_top_n": False} for day in march],
        "conversation": [
            {
                "date": MARCH,
                "conversation_id": f"c{number}",
                "started_at": start,
                "channel_code": "webchat",
                "transfer_target": "desk" if number == 0 else None,
            }
            for number in range(4)
        ],
    }


def _weeks() -> Iterator[date]:
    yield from days(56, FEBRUARY)
