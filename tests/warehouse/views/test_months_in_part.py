"""Monthly views of an account whose month is loaded in part: each row says of how many of how many days it speaks."""

from datetime import date
from decimal import Decimal

import pytest

from tests.warehouse.sample import (
    LOADED_AT,
    STORE_KINDS,
    build_chunk_commit,
    build_staged_table,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.records import AccountRow
from warehouse.store import Store

MARCH = date(2025, 3, 1)
QUIET = AccountRow("quiet", "chatcaptain", "c-2", "Europe/Berlin", MARCH, 3)


@pytest.fixture(scope="module", params=sorted(STORE_KINDS))
def quiet_store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    """An account of which ten days of March are loaded: four without any conversation, one without lists."""
    store = open_sample_store(tmp_path_factory.mktemp("quiet"), request.param)
    days = consecutive_days(10, MARCH)
    busy = days[:5]
    counts = [*[2] * 6, *[0] * 4]
    facts: dict[str, list[dict[str, object]]] = {
        "conversation_daily": [{"date": day, "conversations": count} for day, count in zip(days, counts, strict=True)],
        "channel_daily": [{"date": day, "channel_code": "webchat", "conversations": 2} for day in busy],
        "intent_daily": [{"date": day, "intent": "prices", "hits": 3, "rank": 1, "is_top_n": False} for day in busy],
        "conversation": [
            {"date": day, "conversation_id": f"{day}", "channel_code": "webchat", "transfer_target": "desk"}
            for day in busy
        ],
    }
    tables = {name: build_staged_table(name, lines) for name, lines in facts.items()}
    store.commit(build_chunk_commit(days, dict(tables), account=QUIET, loaded_at=LOADED_AT))
    store.publish()
    return store


@pytest.mark.parametrize(
    ("view", "days"),
    [("conversation_monthly", 10), ("channel_monthly", 9), ("containment_monthly", 9), ("intent_trend", 9)],
)
def test_a_month_in_part_says_of_how_many_of_how_many_days_it_is(quiet_store: Store, view: str, days: int) -> None:
    assert query_rows(quiet_store, f"SELECT days, days_in_month FROM {view}") == [(days, 31)]


def test_hits_per_day_count_days_without_conversations(quiet_store: Store) -> None:
    assert query_rows(quiet_store, "SELECT hits, hits_per_day FROM intent_trend") == [(15, Decimal("1.667"))]
