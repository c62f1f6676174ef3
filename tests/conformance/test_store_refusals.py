"""What all kinds of store refuse: wrong rows, names and slices leave everything as it was."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.warehouse.sample import (
    DAY,
    build_chunk_commit,
    build_full_tables,
    build_staged_table,
    consecutive_days,
    read_contents,
)
from warehouse.errors import (
    DuplicateGrain,
    OutsideSlices,
    StagedError,
    StagedMismatch,
    UnknownMember,
)
from warehouse.records import ReconciliationEntry
from warehouse.store import Store


def _repeat_row(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def _add_other_day(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1).set_column(0, "date", pa.array([date(2020, 1, 1)]))])


def _drop_measure(table: pa.Table) -> pa.Table:
    return table.drop_columns(["conversations"])


def _cast_to_float(table: pa.Table) -> pa.Table:
    return table.set_column(2, "conversations", table["conversations"].cast(pa.float64()))


def _rename_member(table: pa.Table) -> pa.Table:
    return table.set_column(1, "channel_code", pa.array(["qx-new"] * len(table))).slice(0, 1)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (_repeat_row, DuplicateGrain, "whatsapp"),
        (_add_other_day, OutsideSlices, "2020-01-01"),
        (_drop_measure, StagedMismatch, "conversations is missing"),
        (_cast_to_float, StagedMismatch, "conversations is double, not int64"),
        (_rename_member, UnknownMember, "qx-new"),
    ],
)
def test_wrong_rows_leave_everything(
    one_day: Store, spoil: Callable[[pa.Table], pa.Table], error: type[StagedError], words: str
) -> None:
    before = read_contents(one_day)
    wrong = build_full_tables(consecutive_days(1), 3)
    wrong["channel_daily"] = spoil(wrong["channel_daily"])
    with pytest.raises(error, match=words) as raised:
        one_day.commit(build_chunk_commit(consecutive_days(1), wrong))
    assert "acme" in str(raised.value)
    assert "channel_daily" in str(raised.value) or error is UnknownMember
    assert read_contents(one_day) == before


def test_nulls_are_one_member_of_a_grain(store: Store) -> None:
    twice = build_staged_table("metric_daily", [{"date": DAY, "metric": "tokens", "value": Decimal(1)}] * 2)
    with pytest.raises(DuplicateGrain, match="metric_daily"):
        store.commit(build_chunk_commit(consecutive_days(1), {"metric_daily": twice}))


def test_an_insert_that_fails_leaves_everything(one_day: Store) -> None:
    before, ledger = read_contents(one_day), one_day.ledger()
    wrong = build_full_tables(consecutive_days(1), 3)
    # The table that is inserted last lacks a required value: all others were written before it.
    wrong["flow_transition"] = build_staged_table(
        "flow_transition", [{"date": DAY, "conversation_id": "c", "transition_id": None}]
    )
    with pytest.raises(StagedMismatch, match="transition_id"):
        one_day.commit(build_chunk_commit(consecutive_days(1), wrong))
    assert read_contents(one_day) == before
    assert one_day.ledger() == ledger
    assert not one_day.publish()


def test_one_slice_cannot_be_committed_twice_at_once(store: Store) -> None:
    with pytest.raises(DuplicateGrain, match="twice"):
        store.commit(build_chunk_commit([DAY, DAY]))


def test_unknown_names_are_refused(store: Store) -> None:
    with pytest.raises(StagedMismatch, match="channel_dayly"):
        store.commit(build_chunk_commit([DAY], {"channel_dayly": build_staged_table("channel_daily", [])}))
    entry = ReconciliationEntry(date(2020, 1, 1), "m", "a", Decimal(1), Decimal(1), "ok", None)
    with pytest.raises(OutsideSlices, match="2020-01-01"):
        store.commit(build_chunk_commit([DAY], reconciled=(entry,)))
