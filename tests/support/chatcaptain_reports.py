"""ChatCaptain's reports of one day, landed and transformed from bodies that a test gives."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.client import build_range_query
from extractors.errors import ErrorLocation
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
WHERE = ErrorLocation("chatcaptain", "a", "overview_report")


def transform_reports(
    root: Path, settings: dict[str, Any] | None = None, **streams: list[FakeResponse]
) -> TransformResult:
    fields = {"name": "a", "chatbot_id": "c", "api_key": "fake-key", "timezone": "Europe/Berlin", **(settings or {})}
    account = ChatcaptainAccount.model_validate({**fields, "streams": [*streams]})
    landings = ChunkBuilder(root)
    for stream, responses in streams.items():
        query = {**build_range_query(account, WINDOW), **({} if stream == "inbox" else {"interval": "3600"})}
        requested = (
            replace(item, query={**query, **({"channelId": item.context["channel_id"]} if item.context else {})})
            for item in responses
        )
        landings.land(account, stream, WINDOW, *requested)
    return landings.transform(account, WINDOW)


def channel(channel_id: str, kind: str, **components: Any) -> FakeResponse:
    body = {name.removeprefix("c"): value for name, value in components.items()}
    return FakeResponse(body, context={"channel_id": channel_id, "channel_type": kind})


def find_row(staged: TransformResult, table: str, **members: Any) -> dict[str, Any]:
    (match,) = [
        row for row in read_staged_rows(staged, table) if all(row.get(name) == value for name, value in members.items())
    ]
    return match
