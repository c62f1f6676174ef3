"""ChatCaptain's exported files, landed and transformed without HTTP. For tests only."""

from datetime import date
from pathlib import Path
from typing import Any

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
AT = "2025-03-30T10:00:00Z"


def build_account(**account_settings: Any) -> ChatcaptainAccount:
    base = {"name": "a", "chatbot_id": "c", "api_key": "fake-key", "timezone": "Europe/Berlin", "streams": ["export"]}
    return ChatcaptainAccount.model_validate({**base, **account_settings})


def transform_file(root: Path, text: str | bytes, window: Window = WINDOW, **account_settings: Any) -> TransformResult:
    landings, acme = ChunkBuilder(root), build_account(**account_settings)
    landings.land(acme, "export", window, FakeResponse(text if isinstance(text, bytes) else text.encode()))
    return landings.transform(acme, window)


def read_conversation(staged: TransformResult) -> dict[str, Any]:
    (row,) = read_staged_rows(staged, "conversation")
    return row
