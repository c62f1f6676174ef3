"""For every shape of response, time zone and choice of streams, all views equal the truth.

Every two shapes occur together in one of the combinations, among the long tests. Every single shape is loaded by the
quick tests of ``tests/conformance/test_provider.py``.
`CHATMART_ALL_SHAPES=1` loads each of those in every zone, with more days and more conversations.
"""

import os
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from itertools import combinations as pairs
from pathlib import Path
from typing import Any

import pytest

from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.support.installation import Installation
from tests.support.shape_combinations import (
    CIRCUMSTANCES,
    FAILING_SHAPES,
    SEEDS,
    SHAPES,
    Combination,
    build_combinations_in_all_zones,
    build_pairwise_combinations,
    load_and_compare,
)

ALL = bool(os.environ.get("CHATMART_ALL_SHAPES"))
AROUND, DAILY = (6, 30) if ALL else (2, 8)


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize(
    "combination", build_combinations_in_all_zones() if ALL else build_pairwise_combinations(), ids=str
)
def test_all_views_equal_the_truth(tmp_path: Path, combination: Combination) -> None:
    compared = load_and_compare(tmp_path, combination, around=AROUND, daily=DAILY)
    assert compared.differences == ()
    assert compared.rows > 300


def test_every_shape_is_in_use() -> None:
    assert {shape.name for shape in fields(ResponseShapes)} == SHAPES.keys() | FAILING_SHAPES
    assert all(values[0] == getattr(ResponseShapes(), name) for name, values in SHAPES.items())


FACTORS = {**SHAPES, **CIRCUMSTANCES}


def list_factors(rows: Iterable[Combination]) -> list[dict[str, Any]]:
    return [{**vars(row.shapes), **row.circumstances} for row in rows]


def test_every_two_shapes_occur_together() -> None:
    rows, factors = list_factors(build_pairwise_combinations()), FACTORS
    for first, second in pairs(factors, 2):
        combined = {(row[first], row[second]) for row in rows}
        assert combined == {(left, right) for left in factors[first] for right in factors[second]}, (first, second)
    assert len(SEEDS) == 4


@pytest.mark.e2e
def test_chatlayer_is_refused_where_days_begin_within_an_hour(tmp_path: Path) -> None:
    account = SandboxAccount("pune-bot", "chatlayer", "Asia/Kolkata")
    with Sandbox(World(7, [account])) as sandbox:
        done = Installation(tmp_path, sandbox, [account]).backfill(date(2025, 3, 28), date(2025, 4, 1), exit_code=2)
        assert sandbox.requests == []
    assert "account pune-bot: timezone: Chatlayer counts by whole hours of UTC" in done.err
    assert "Asia/Kolkata" in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
