"""Where answers are kept while a run is under way: the landing log behind a variable of the task that fetches a batch.

An answer is kept as soon as it is there, not when its batch is complete: so a run that follows a killed one asks only
for what had not been answered. Nothing is written here.
"""

from contextvars import ContextVar
from typing import Protocol

from extractors.http.messages import Request, Response


class AnswerStore(Protocol):
    """The answers of one batch."""

    def recall(self, stream: str, request: Request) -> Response | None:
        """Return the answer that a killed run got to the same request of the same batch, once; None without one."""
        ...

    def record(self, stream: str, response: Response) -> None:
        """Keep an answer. Raises OSError when it cannot be written."""
        ...


CURRENT_ANSWERS: ContextVar[AnswerStore | None] = ContextVar("current_answers", default=None)
"""The store of the batch that this task fetches, and the tasks that it starts; None outside of a batch."""


def record_answer(stream: str, response: Response) -> None:
    """Keep an answer that ``Session.request`` raised as an error, and that its caller accepts. Raises OSError."""
    store = CURRENT_ANSWERS.get()
    if store is not None:
        store.record(stream, response)
