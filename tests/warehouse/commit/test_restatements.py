"""However often a slice is committed, its log leads from the first contents to the last ones."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.warehouse.sample import (
    ACME,
    LOADED_AT,
    STORE_KINDS,
    build_chunk_commit,
    build_staged_table,
    consecutive_days,
    open_sample_store,
)
from warehouse.engine import EngineLimits
from warehouse.records import AccountRow
from warehouse.store import Store

LOG = 'SELECT date, view, member, measure, "old", "new" FROM restatement_log'


class Line(NamedTuple):
    date: date
    view: str
    member: str | None
    measure: str
    old: Decimal | None
    new: Decimal | None


Contents = Mapping[str, list[dict[str, Any]]]
Numbers = dict[tuple[date, str, str | None, str], Decimal]

COUNTS = st.one_of(st.none(), st.integers(0, 3))
VALUES = st.one_of(st.none(), st.decimals(0, 3, places=1))
NAMES = st.sampled_from(["null", "NA", "a / b"])


def build_members(
    column: str, names: st.SearchStrategy[str], **measures: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Return rows of different members."""
    row = st.fixed_dictionaries({column: names, **measures})
    return st.lists(row, max_size=3, unique_by=lambda row: row[column])


CONTENTS: st.SearchStrategy[Contents] = st.fixed_dictionaries(
    {
        "conversation_daily": st.lists(
            st.fixed_dictionaries({"conversations": COUNTS, "cost_amount": VALUES}), max_size=1
        ),
        "channel_daily": build_members("channel_code", st.sampled_from(["whatsapp", "debug"]), conversations=COUNTS),
        "intent_daily": build_members("intent", NAMES, hits=COUNTS, rank=COUNTS),
        "metric_daily": build_members("member", NAMES, metric=st.just("tokens"), value=VALUES),
        "conversation": build_members("conversation_id", NAMES, messages=COUNTS, user_messages=COUNTS),
        "conversation_intent": build_members("conversation_id", NAMES, intent=NAMES, hits=COUNTS, score=VALUES),
        "flow_transition": build_members("transition_id", NAMES, conversation_id=NAMES, depth=COUNTS),
    }
)
MEASURES = {
    "conversation_daily": ((), ("conversations", "cost_amount")),
    "channel_daily": (("channel_code",), ("conversations",)),
    "intent_daily": (("intent",), ("hits",)),
    "metric_daily": (("metric", "member"), ("value",)),
}
SUMS = {
    "conversation": ("conversations", ("messages", "user_messages")),
    "conversation_intent": ("intents", ("hits",)),
    "flow_transition": ("transitions", ()),
}


def collect_numbers(day: date, contents: Contents) -> Numbers:
    """Return the numbers of a slice under the names of the log."""
    numbers: Numbers = {}
    for view, (named, measures) in MEASURES.items():
        for row in contents[view]:
            member = " / ".join(row[column] for column in named) or None
            values = {measure: row[measure] for measure in measures if row[measure] is not None}
            numbers.update({(day, view, member, measure): Decimal(value) for measure, value in values.items()})
    for view, (counted, measures) in SUMS.items():
        rows = contents[view]
        if rows:
            numbers[day, view, None, counted] = Decimal(len(rows))
        for measure in measures:
            known = [row[measure] for row in rows if row[measure] is not None]
            if known:
                numbers[day, view, None, measure] = Decimal(sum(known))
    return numbers


Days = Mapping[date, Contents]


def drop_facts(contents_by_day: Days, facts: set[str]) -> Days:
    """Return the same contents without the rows of some facts."""
    return {day: {**contents, **{name: [] for name in facts}} for day, contents in contents_by_day.items()}


COMMITS: st.SearchStrategy[Days] = st.builds(
    drop_facts,
    st.dictionaries(st.sampled_from(consecutive_days(8)), CONTENTS, min_size=6),
    st.sets(st.sampled_from([*MEASURES, *SUMS]), max_size=4),
)


def commit_days(store: Store, account: AccountRow, contents_by_day: Days, landed_at: datetime) -> list[Line]:
    """Commit and publish these days. Return the lines that were added to the account's log: all of this landing."""
    rows = {
        name: [{"date": day, **row} for day, contents in contents_by_day.items() for row in contents[name]]
        for name in [*MEASURES, *SUMS]
    }
    tables: dict[str, pa.Table | Path] = {
        name: build_staged_table(name, table_rows) for name, table_rows in rows.items() if table_rows
    }
    result = store.commit(build_chunk_commit(sorted(contents_by_day), tables, account=account, loaded_at=landed_at))
    store.publish()
    log = store.read(f"{LOG} WHERE account = '{account.account}' AND logged_at = TIMESTAMPTZ '{landed_at}'")
    assert log.num_rows == result.restatement_count
    return [Line(**row) for row in log.to_pylist()]


# The first example is always the empty one.
@pytest.mark.parametrize("examples", [2, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", STORE_KINDS)
def test_the_log_leads_from_the_first_contents_to_the_last(kind: str, tmp_path: Path, examples: int) -> None:
    store, numbered = open_sample_store(tmp_path, kind, limits=EngineLimits(threads=1)), count()

    @given(st.lists(COMMITS, min_size=3, max_size=3))
    # A commit is too slow to shrink.
    @settings(max_examples=examples, deadline=None, phases=(Phase.reuse, Phase.generate))
    def walk(history: list[Days]) -> None:
        account = replace(ACME, account=f"acme-{next(numbered)}")
        standing: Numbers = {}
        current: dict[date, Contents] = {}
        for turn, contents_by_day in enumerate(history):
            lines = commit_days(store, account, contents_by_day, LOADED_AT + timedelta(hours=turn))
            assert {line.date for line in lines} <= contents_by_day.keys() & current.keys(), (
                "a first load is no restatement"
            )
            for line in lines:
                key = (line.date, line.view, line.member, line.measure)
                assert standing.pop(key, None) == line.old != line.new
                if line.new is not None:
                    standing[key] = line.new
            for day in contents_by_day.keys() - current.keys():
                standing.update(collect_numbers(day, contents_by_day[day]))
            current.update(contents_by_day)
            assert standing == {
                key: value for day in current for key, value in collect_numbers(day, current[day]).items()
            }

    walk()
