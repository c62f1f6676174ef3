"""The start of the program: libraries that its process does without. No command's own logic lives here."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_UNUSED_LIBRARIES = frozenset({"numpy", "pandas"})


class _UnusedLibraryFinder:
    """A finder before all others: an import of an unused library fails, as where the library is not installed."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if name in _UNUSED_LIBRARIES:
            raise ModuleNotFoundError(f"the program does without {name}", name=name)
        return None


def leave_out_unused_libraries() -> None:
    """Let the process run as if numpy and pandas were not installed. For the program alone, not for callers in Python.

    Where they are installed, pyarrow imports numpy at its own import, and pandas at the first conversion of a list or
    an instant, to recognise their objects. That is half a second of CPU time, and no command has such objects.
    """
    sys.meta_path.insert(0, _UnusedLibraryFinder)
