"""Which variants of a test belong to the quick series, where a test is dear and has many."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

STEP = 3
"""The quick series runs the first variant, and each one so many further."""

OF_MANY_VARIANTS = (
    Path("tests/e2e"),
    Path("tests/pipelines"),
    Path("tests/warehouse"),
    Path("tests/conformance/test_store_groups.py"),
    Path("tests/conformance/test_store_refusals.py"),
)
"""Where a variant takes a second or more: it loads, commits, or opens a warehouse."""


def leave_most_variants_to_the_long_series(items: Iterable[pytest.Item], root: Path) -> None:
    """Mark two of three variants as long, for tests with more than three variants in `OF_MANY_VARIANTS`."""
    variants = defaultdict[tuple[Path, str], list[pytest.Item]](list)
    for item in items:
        path = item.path.relative_to(root)
        is_quick = item.get_closest_marker("long") is None
        if is_quick and "[" in item.name and any(path.is_relative_to(place) for place in OF_MANY_VARIANTS):
            variants[path, item.nodeid.partition("[")[0]].append(item)
    for several in variants.values():
        if len(several) > STEP:
            for number, item in enumerate(sorted(several, key=lambda item: item.nodeid)):
                if number % STEP:
                    item.add_marker(pytest.mark.long)
