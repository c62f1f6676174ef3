"""The benchmarks of growth: a simulated year of nights, and years of ledger."""

import pytest

from benchmarks import history_growth, lake_year, landing_year


def read_cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split("|")]


@pytest.mark.long
def test_a_lake_that_is_tidied_does_not_grow_by_night() -> None:
    [early, late] = map(read_cells, lake_year.simulate(2, 28, [7, 28], is_tidied=True))
    [untidied] = map(read_cells, lake_year.simulate(2, 28, [28], is_tidied=False))
    active, objects, entries = 3, 4, 6
    assert late[active] == early[active] == untidied[active]
    assert int(late[objects]) <= int(early[objects]) < int(untidied[objects].replace(",", ""))
    assert int(late[entries]) <= int(early[entries]) + 7 < int(untidied[entries])


@pytest.mark.long
def test_a_night_of_a_landing_zone_costs_the_same_requests_as_before() -> None:
    [early, late] = map(read_cells, landing_year.simulate(["a", "b"], [2, 20]))
    assert late[3] == early[3]


@pytest.mark.long
@pytest.mark.parametrize("kind", history_growth.KINDS)
def test_planning_with_years_of_ledger(kind: str) -> None:
    works = [read_cells(line)[2] for line in history_growth.measure(kind, 3, 1, ["plan", "status"])]
    assert works == ["plan", "status"]
