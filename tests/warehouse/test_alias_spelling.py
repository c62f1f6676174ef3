"""Queries as people write them."""

import pytest

from warehouse.errors import QueryError
from warehouse.store import Store


def test_units_of_time_are_names_too(three_days: Store) -> None:
    query = "select provider, count(distinct date) days, count(*) months from load_ledger group by 1"
    [row] = three_days.read(query).to_pylist()
    assert row["days"] == row["months"] == 3


@pytest.mark.parametrize("query", ["select 1 days from", "selct 1", "select 'a", "select x days", "select 1 days;;,"])
def test_what_is_no_sql_is_refused_in_the_words_of_the_engine(one_day: Store, query: str) -> None:
    with pytest.raises(QueryError, match="Error"):
        one_day.read(query)
