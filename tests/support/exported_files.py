"""ChatCaptain's exported files, landed and transformed without HTTP. For tests only."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.exports.csv_lines import CsvRecordCounter
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
AT = "2025-03-30T10:00:00Z"


def build_account(**account_settings: Any) -> ChatcaptainAccount:
    base = {"name": "a", "chatbot_id": "c", "api_key": "fake-key", "timezone": "Europe/Berlin", "streams": ["export"]}
    return ChatcaptainAccount.model_validate({**base, **account_settings})


def transform_file(
    root: Path,
    text: str | bytes,
    window: Window = WINDOW,
    counts: Literal["landed", "none", "wrong"] = "landed",
    context: Mapping[str, Any] = MappingProxyType({}),
    **account_settings: Any,
) -> TransformResult:
    """Land a file, with its counts as the download does it, or without, or with wrong ones; transform it.

    ``context`` is landed with the counts.
    """
    content = text if isinstance(text, bytes) else text.encode()
    counter = CsvRecordCounter()
    counter.feed(content if counts == "landed" else content + b"one,more")
    landed_counts = {} if counts == "none" else {"counts": counter.counts.to_json()}
    landings, acme = ChunkBuilder(root), build_account(**account_settings)
    landings.land(acme, "export", window, FakeResponse(content, context={**landed_counts, **context}))
    return landings.transform(acme, window)


def read_conversation(staged: TransformResult) -> dict[str, Any]:
    (row,) = read_staged_rows(staged, "conversation")
    return row
