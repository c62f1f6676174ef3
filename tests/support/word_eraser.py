"""An eraser that knows one word, in place of the people of an account. No expectations."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from extractors.windows import Window

WORD = "planted-person"


class WordEraser:
    """Writes `nobody` in place of the word, in bodies and in values of descriptions."""

    records = 0

    def open_batch(self, _stream: str, _window: Window) -> "WordEraser":
        return self

    def erase_body(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        yield b"".join(pieces).replace(WORD.encode(), b"nobody")

    def erase_description(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: "nobody" if value == WORD else value for name, value in fields.items()}
