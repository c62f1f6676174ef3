"""The start of the program: libraries that its process does without. No command's own logic lives here."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _UnusedLibraryFinder:
    """A finder before all others: some imports fail, as where the library is not installed."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if name == "pandas" or (name == "numpy" and _is_arrow_being_imported()):
            raise ModuleNotFoundError(f"the program does without {name}", name=name)
        return None


def _is_arrow_being_imported() -> bool:
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and not hasattr(arrow, "lib")


def leave_out_unused_libraries() -> None:
    """Let pyarrow run as if numpy and pandas were not installed. For the program alone, not for callers in Python.

    Where they are installed, pyarrow imports numpy at its own import, and pandas at the first conversion of a list or
    an instant, to recognise their objects. That is half a second of CPU time, and no command has such objects. Others
    may import numpy: the engine needs it for functions in Python.
    """
    sys.meta_path.insert(0, _UnusedLibraryFinder)
