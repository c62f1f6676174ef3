"""A landing zone on an object store in this process's memory, as several machines see it. No expectations."""

from pathlib import Path
from typing import Any

import obstore
from obstore.store import MemoryStore

from extractors.landing.copy_folders import CopyFolder
from extractors.landing.erasure import OpenEraser
from extractors.landing.mirror import Mirror
from extractors.landing.shared_zone import SharedLandingZone
from pipelines.loads.landing_objects import LandingObjects

ADDRESS = "s3://bucket/landing"
PLENTY_BYTES = 2**40


class CountedObjects(LandingObjects):
    """Objects of a landing zone, with the requests that were sent for them."""

    def __init__(self, store: Any) -> None:
        super().__init__(store, ADDRESS)
        self.requests: list[tuple[str, Any]] = []

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value):
            return value

        def count(*arguments: Any) -> Any:
            self.requests.append((name, arguments[0]))
            return value(*arguments)

        return count


class LandingBucket:
    """The bucket. Each zone that is opened is one machine's."""

    def __init__(self) -> None:
        self._store: Any = MemoryStore()
        self.objects = CountedObjects(self._store)

    def open_zone(
        self, folder: Path, most_bytes: int = PLENTY_BYTES, open_eraser: OpenEraser = lambda *_: None
    ) -> SharedLandingZone:
        copies = Mirror(self.objects, CopyFolder(folder), most_bytes)
        return SharedLandingZone(copies, open_eraser)

    def read_all(self) -> dict[str, bytes]:
        """Return the content of every object by its name."""
        names = [entry["path"] for entries in obstore.list(self._store) for entry in entries]
        return {name: bytes(obstore.get(self._store, name).bytes()) for name in sorted(names)}

    def write(self, name: str, content: bytes) -> None:
        obstore.put(self._store, name, content)

    def delete(self, name: str) -> None:
        obstore.delete(self._store, name)
