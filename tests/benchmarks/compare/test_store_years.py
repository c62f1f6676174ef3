"""The groups of chunks that are committed to a store."""

from datetime import date

import pytest

from benchmarks.compare.programs.store_years import LAST, build_groups, commit_groups, take_month
from benchmarks.synthetic_slices import build_accounts, build_chunk
from warehouse.records import ChunkCommit

ACCOUNTS = build_accounts(2, date(2025, 1, 1))


class GroupStore:
    """Takes groups; the results are those of the test."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = errors
        self.group_sizes: list[int] = []
        self.was_published = False

    def commit_group(self, histories: list[list[ChunkCommit]]) -> list[Exception]:
        self.group_sizes.append(len(histories))
        return list(self.errors)

    def publish(self) -> None:
        self.was_published = True


def test_the_months_of_a_year_have_all_its_rows() -> None:
    year = build_chunk(ACCOUNTS[0], date(2025, 1, 1), LAST)
    months = [take_month(year, month) for month in range(1, 13)]
    assert [len(month.slices) for month in months[:2]] == [31, 28]
    for name, rows in year.tables.items():
        assert sum(month.tables[name].num_rows for month in months) == rows.num_rows


def test_a_group_is_a_month_of_all_accounts() -> None:
    store = GroupStore()
    assert commit_groups(store, build_groups(store, ACCOUNTS, 1)) >= 0  # type: ignore[arg-type]
    assert store.group_sizes == [2] * 12
    assert store.was_published


def test_a_chunk_that_is_refused_ends_the_measurement() -> None:
    store = GroupStore(ValueError("refused"))
    with pytest.raises(ValueError, match="refused"):
        commit_groups(store, build_groups(store, ACCOUNTS, 1))  # type: ignore[arg-type]
