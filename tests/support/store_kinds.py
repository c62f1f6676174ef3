"""Which tests of every kind of store belong to the quick series: on all kinds, that takes longer than the rest."""

from collections.abc import Iterable
from pathlib import Path

import pytest

QUICK_KIND = "duckdb"
OTHER_KINDS = ("parquet", "delta", "delta+s3")
OF_ALL_KINDS = (Path("tests/conformance/test_store.py"), Path("tests/warehouse/storage"))
"""Where the quick series runs every kind of store that is in a folder: the suite of stores, and their own tests."""


def leave_other_kinds_to_the_long_series(items: Iterable[pytest.Item], root: Path) -> None:
    """Mark a test as long on other kinds of store where it runs on the quick kind, too."""
    kinds = {item: _find_kind(item) for item in items}
    with_quick_kind = {_name_of(item) for item, kind in kinds.items() if kind == QUICK_KIND}
    for item, kind in kinds.items():
        path = item.path.relative_to(root)
        is_of_all_kinds = any(path.is_relative_to(place) for place in OF_ALL_KINDS)
        if kind in OTHER_KINDS and _name_of(item) in with_quick_kind and not is_of_all_kinds:
            item.add_marker(pytest.mark.long)


def _name_of(item: pytest.Item) -> tuple[Path, str]:
    return item.path, item.name.partition("[")[0]


def _find_kind(item: pytest.Item) -> str | None:
    """Return the kind of store that a test is run on: a parameter names it, or begins with it as an address does."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    names = {value.partition("://")[0] for value in parameters if isinstance(value, str)}
    return next((kind for kind in (QUICK_KIND, *OTHER_KINDS) if kind in names), None)
