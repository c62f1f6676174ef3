"""However often a slice is committed, its log leads from the first contents to the last ones."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.sample import DAY, chunk, staged
from warehouse.duckdb_store import DuckDBStore

Contents = Mapping[str, list[dict[str, Any]]]
Numbers = dict[tuple[str, str | None, str], Decimal]

COUNTS = st.one_of(st.none(), st.integers(0, 3))
VALUES = st.one_of(st.none(), st.decimals(0, 3, places=1))
NAMES = st.sampled_from(["null", "NA", "a / b"])


def members(column: str, names: st.SearchStrategy[str], **measures: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Rows of different members."""
    row = st.fixed_dictionaries({column: names, **measures})
    return st.lists(row, max_size=3, unique_by=lambda told: told[column])


CONTENTS: st.SearchStrategy[Contents] = st.fixed_dictionaries(
    {
        "conversation_daily": st.lists(
            st.fixed_dictionaries({"conversations": COUNTS, "cost_amount": VALUES}), max_size=1
        ),
        "channel_daily": members("channel_code", st.sampled_from(["whatsapp", "debug"]), conversations=COUNTS),
        "intent_daily": members("intent", NAMES, hits=COUNTS, rank=COUNTS),
        "metric_daily": members("member", NAMES, metric=st.just("tokens"), value=VALUES),
        "conversation": members("conversation_id", NAMES, messages=COUNTS, user_messages=COUNTS),
        "conversation_intent": members("conversation_id", NAMES, intent=NAMES, hits=COUNTS, score=VALUES),
        "flow_transition": members("transition_id", NAMES, conversation_id=NAMES, depth=COUNTS),
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


def numbers(contents: Contents) -> Numbers:
    """The numbers of a slice as the log names them."""
    found: Numbers = {}
    for view, (named, measures) in MEASURES.items():
        for row in contents[view]:
            member = " / ".join(row[column] for column in named) or None
            told = {measure: row[measure] for measure in measures if row[measure] is not None}
            found.update({(view, member, measure): Decimal(value) for measure, value in told.items()})
    for view, (counted, measures) in SUMS.items():
        rows = contents[view]
        if rows:
            found[view, None, counted] = Decimal(len(rows))
        for measure in measures:
            known = [row[measure] for row in rows if row[measure] is not None]
            if known:
                found[view, None, measure] = Decimal(sum(known))
    return found


@given(st.lists(CONTENTS, min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_the_log_leads_from_the_first_contents_to_the_last(history: list[Contents]) -> None:
    with TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder) / "warehouse.duckdb")
        standing, known = numbers(history[0]), 0
        for turn, contents in enumerate(history):
            tables = {name: staged(name, [{"date": DAY, **row} for row in rows]) for name, rows in contents.items()}
            restated = store.commit(chunk([DAY], dict(tables))).restated
            store.publish()
            log = store.read('SELECT view, member, measure, "old", "new" FROM restatement_log').to_pylist()
            assert restated == len(log) - known
            new, known = log[known:], len(log)
            assert turn or not new
            for line in new:
                key = line["view"], line["member"], line["measure"]
                assert standing.pop(key, None) == line["old"] != line["new"]
                if line["new"] is not None:
                    standing[key] = line["new"]
            assert standing == numbers(contents)
