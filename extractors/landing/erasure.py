"""What keeps forgotten people out of the landing zone. Which fields are personal is not known here.

The transforms know that, and hand in an ``Eraser``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from extractors.windows import Window


class BatchEraser(Protocol):
    """Erases people from the answers of one batch."""

    @property
    def records(self) -> int:
        """The records of people in the bodies so far."""
        ...

    def erase_body(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a body without the people; the same bytes where they are not in it."""
        ...

    def erase_description(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request, a context or headers without the people. Call it after the body that it belongs to."""
        ...


class Eraser(Protocol):
    """Erases people from the batches of one account."""

    def open_batch(self, stream: str, window: Window) -> BatchEraser:
        """Return the eraser of one batch."""
        ...


OpenEraser = Callable[[str, str], Eraser | None]
"""Returns the eraser of the people whom an account (provider, name) has forgotten; None where there are none."""
