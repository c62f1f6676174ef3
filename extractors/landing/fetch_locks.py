"""The protocol of locks that processes of several machines have in common. What must not come in: an implementation."""

from typing import Protocol


class FetchLocks(Protocol):
    """Locks by name, without waiting. Threads may share them.

    Its methods raise ConnectionError, with a sentence, when what the machines have in common cannot be used.
    """

    def try_acquire(self, name: str) -> bool:
        """Take a lock unless it is held, by this process or another. Return whether it was taken."""
        ...

    def release(self, name: str) -> None:
        """Release a lock. One that was lost is free already."""
        ...

    def describe_holder(self, name: str) -> str:
        """Return the process that holds a lock, and its machine; an empty text when nobody holds it any more."""
        ...
