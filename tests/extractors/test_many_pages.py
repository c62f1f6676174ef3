"""Lists of many or of long pages: they are landed as they come, and memory holds one page, not all."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response as StarletteResponse

from extractors.account import Account
from extractors.errors import BudgetUsedUp
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support import chatlayer, inkeep
from tests.support.pull_account import pull_account
from tests.support.scripted_server import ReceivedRequest, ScriptedServer, raw_response

DAY = Window.of_day(date(2025, 3, 1))
MEGABYTE = 2**20


def event_pages(count: int, size: int) -> Callable[[ReceivedRequest], StarletteResponse]:
    """Return the script of a list of pages, each with one event and one long text."""

    def respond(request: ReceivedRequest) -> StarletteResponse:
        number = int(request.query.get("page_token", "0"))
        if "/flow" in request.path:
            return raw_response(b'{"transitions": []}')
        page: dict[str, Any] = {"events": [{"conversation_id": f"c{number}", "text": "x" * size}]}
        if number + 1 < count:
            page["next_page_token"] = str(number + 1)
        return raw_response(json.dumps(page).encode())

    return respond


def halved_pages(size: int) -> Callable[[ReceivedRequest], StarletteResponse]:
    """Return the script of Inkeep conversations, one a second: a response holds sixteen at most, with a long text."""

    def read_second(request: ReceivedRequest, number: int) -> int:
        text = json.loads(request.body)["where"]["and"][number]["condition"]["value"]
        return int(datetime.fromisoformat(text).timestamp())

    def respond(request: ReceivedRequest) -> StarletteResponse:
        start, end = read_second(request, 0), read_second(request, 1)
        first = int(datetime.fromisoformat("2025-03-01T00:00:00+00:00").timestamp())
        seconds = [first + number * 1350 for number in range(64) if start <= first + number * 1350 < end]
        rows = [{"id": str(second), "properties": {"text": "x" * size}} for second in seconds[:16]]
        data = {"result": rows, "total": len(seconds), "count": len(rows)}
        return raw_response(json.dumps({"status": "ok", "data": data}).encode())

    return respond


def pull(server: ScriptedServer, account: Account, root: Path, stream: str) -> tuple[list[Batch], int]:
    """Return the landed batches of a stream, and the most megabytes of memory that this took."""
    tracemalloc.start()
    errors = pull_account(account, DAY, root)
    peak_megabytes = tracemalloc.get_traced_memory()[1] >> 20
    tracemalloc.stop()
    assert errors == []
    return LandingZone(root / "landing").list_batches(account.provider, account.name, stream), peak_megabytes


@pytest.mark.parametrize(
    ("count", "size"), [(64, MEGABYTE - 2000), pytest.param(32, 2 * MEGABYTE, marks=pytest.mark.long)]
)
def test_pages_of_events_are_landed_one_by_one(server: ScriptedServer, tmp_path: Path, count: int, size: int) -> None:
    server.respond = event_pages(count, size)
    account = chatlayer.build_account(base_url=server.origin, streams=["events", "flow"])
    (batch,), peak_megabytes = pull(server, account, tmp_path, "events")
    assert peak_megabytes < 24
    bodies = [json.loads(body) for _, body in batch.iter_bodies()]
    assert [body["events"][0]["conversation_id"] for body in bodies] == [f"c{number}" for number in range(count)]
    assert {len(body["events"][0]["text"]) for body in bodies} == {size}
    (flow,) = LandingZone(tmp_path / "landing").list_batches("chatlayer", account.name, "flow")
    assert [part.context["conversation_id"] for part in flow.parts] == [f"c{number}" for number in range(count)]


def test_parts_of_conversations_are_landed_one_by_one(server: ScriptedServer, tmp_path: Path) -> None:
    server.respond = halved_pages(250_000)
    account = inkeep.build_account(
        base_url=server.origin, streams=["conversations"], rate_limit={"concurrency": 1}, name="docs"
    )
    (batch,), peak_megabytes = pull(server, account, tmp_path, "conversations")
    assert peak_megabytes < 40  # 4 MB a response; three of them are split again
    rows = [row["id"] for _, body in batch.iter_bodies() for row in json.loads(body)["data"]["result"]]
    assert len(rows) == len(set(rows)) == 64
    assert batch.manifest["facts"] == {"total": 64, "rows": 64, "answers": 4}


def test_pages_without_end_stop_at_the_budget_and_memory_stays_small(server: ScriptedServer, tmp_path: Path) -> None:
    server.respond = event_pages(10**9, MEGABYTE - 2000)
    account = chatlayer.build_account(base_url=server.origin, streams=["events"], budget={"megabytes": 80})
    tracemalloc.start()
    (error,) = pull_account(account, DAY, tmp_path)
    peak_megabytes = tracemalloc.get_traced_memory()[1] >> 20
    tracemalloc.stop()
    assert isinstance(error, BudgetUsedUp)
    assert "80.6 MB have come (budget.megabytes: 80)" in str(error)
    assert len(server.requests) == 77
    assert peak_megabytes < 24
