"""What a landing zone needs of an object store. Nothing is sent here: ``pipelines.loads.landing_objects`` does that.

Every method raises OSError with a sentence when the store fails, after it was tried again. FileNotFoundError says that
an object is not there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """An object: its name below a folder of the store, its length in bytes, and its version (the store's ``ETag``)."""

    name: str
    size: int
    version: str


class ObjectStore(Protocol):
    """Objects below the address of a landing zone. Any number of threads and machines may use it at once."""

    @property
    def address(self) -> str:
        """The address, for messages."""
        ...

    def list_objects(self, folder: str) -> list[StoredObject]:
        """Return the objects of a folder and of those in it, by their names below it."""
        ...

    def list_folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        ...

    def read(self, name: str) -> tuple[bytes, str]:
        """Return an object's content and its version. Raises FileNotFoundError."""
        ...

    def read_version(self, name: str) -> str | None:
        """Return an object's version; None when there is no such object."""
        ...

    def fetch(self, name: str, path: Path) -> None:
        """Write an object's content to a file that does not exist yet. Raises FileNotFoundError."""
        ...

    def write(self, name: str, content: bytes | Path) -> str:
        """Write an object, in place of an earlier one, from bytes or from a file. Return its version."""
        ...

    def write_if(self, name: str, content: bytes, version: str | None) -> str | None:
        """Write an object if it has this version, or with None if there is none. Return its version; None if refused.

        Of many writers at once exactly one is not refused. Who is not refused learns it also when the answer to a first
        try was lost.
        """
        ...

    def delete(self, names: Collection[str]) -> None:
        """Delete objects; those that are gone already do not matter."""
        ...
