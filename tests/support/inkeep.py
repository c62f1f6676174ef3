"""Accounts, rows and landed responses of Inkeep, for tests of its transform."""

from datetime import date, timedelta
from typing import Any

from extractors.inkeep.account import InkeepAccount
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
BOTH = Window(DAY, DAY + timedelta(days=2))
ROWS_ONLY = ("conversations",)


def build_account(**more: Any) -> InkeepAccount:
    return InkeepAccount.model_validate({"name": "docs", "api_key": "fake-key", **more})


def row(number: int = 1, at: str = "2025-03-30T10:00:00.000Z", **more: Any) -> dict[str, Any]:
    fields = {"id": f"c{number}", "firstMessageTime": at, "userMessageCount": 2, "type": "openai"}
    return {**fields, "projectId": None, "integrationId": None, "properties": None, "userProperties": None, **more}


def page(*result: Any) -> FakeResponse:
    return FakeResponse({"status": "ok", "data": {"result": list(result), "total": len(result), "count": len(result)}})


def totals(*result: Any, days: Window = WINDOW, by_day: bool = False) -> FakeResponse:
    return FakeResponse(page(*result).body, context={"days": str(days), "by_day": by_day})


def transform_rows(landings: ChunkBuilder, *result: Any, **settings: Any) -> TransformResult:
    docs = build_account(streams=ROWS_ONLY, **settings)
    landings.land(docs, "conversations", WINDOW, page(*result))
    return landings.transform(docs, WINDOW)


def read_day(staged: TransformResult, *columns: str) -> Any:
    (values,) = read_staged_rows(staged, "conversation_daily", columns)
    return tuple(values.get(column) for column in columns)
