"""What providers change later: after each round all views equal the truth, and the log tells exactly what changed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.accounts import SandboxAccount
from sandbox.server import Sandbox
from sandbox.truth import STREAMS, VIEWS
from sandbox.world import World
from tests.support.product import Product, days_from
from tests.support.restated import LOGGED, Key, Line, expected, numbers
from warehouse.stores import open_store

DAYS = days_from(date(2025, 3, 8), 5)  # New York's clock changes on the second of them
BERLIN, YORK = "Europe/Berlin", "America/New_York"
ACCOUNTS = (
    SandboxAccount("one-support", "cognigy", BERLIN, daily=12),
    SandboxAccount("two-support", "cognigy", YORK, daily=12),
    SandboxAccount("one-sales", "chatdash", BERLIN, daily=12),
    SandboxAccount("one-bot", "chatlayer", "UTC", {"team_id": "t1"}, daily=12),
    SandboxAccount("two-bot", "chatlayer", YORK, {"version": "DRAFT"}, daily=12),
    SandboxAccount("one-voice", "chatcaptain", BERLIN, daily=12),
    SandboxAccount("two-voice", "chatcaptain", YORK, daily=12),
    SandboxAccount("one-docs", "inkeep", YORK, daily=12),
    SandboxAccount("two-docs", "inkeep", "UTC", daily=12),
)
BOT = [*STREAMS["chatlayer"], "events"]
SETTINGS = {
    "one-support": {"streams": ["conversation_counter", "call_counter", "knowledge_query_counter"]},
    "one-sales": {"privacy": {"message_texts": "keep"}},
    "one-bot": {"streams": BOT},
    "two-bot": {"streams": [stream for stream in BOT if stream != "team_usage"]},
    "two-docs": {"detail": False},
}
ROUNDS = (
    # every account on a day of its own, and the first day of all
    [("late", number % 5, name) for number, name in enumerate(account.name for account in ACCOUNTS)]
    + [("late", 0, account.name) for account in ACCOUNTS],
    # the same days again, otherwise, and others
    [("smaller", number % 5, name) for number, name in enumerate(account.name for account in ACCOUNTS)]
    + [("smaller", 3, name) for name in ("one-voice", "one-bot", "one-docs")]
    + [("empty", 4, name) for name in ("one-support", "one-sales", "two-bot", "two-voice", "two-docs")],
    # all is gone where something was, and something comes where all was gone
    [("empty", 0, account.name) for account in ACCOUNTS]
    + [("late", 4, name) for name in ("one-support", "one-sales", "two-bot", "two-voice", "two-docs")]
    + [("empty", 3, "one-bot"), ("late", 3, "one-bot")],
)


@dataclass
class History:
    """The product, and what stood in its log and in the truth when it was looked at last."""

    product: Product
    logged: Counter[Line] = field(default_factory=Counter)
    truth: dict[Key, Decimal] = field(default_factory=dict)

    def new_lines(self) -> Counter[Line]:
        """The lines of the log since the last look."""
        store = open_store("duckdb://data/warehouse.duckdb", self.product.folder)
        rows = store.read("SELECT * FROM restatement_log").to_pylist()
        assert all(row["age_days"] >= 0 for row in rows)
        lines: Counter[Line] = Counter(
            ((row["account"], row["view"], row["date"], row["member"], row["measure"]), row["old"], row["new"])
            for row in rows
        )
        since, self.logged = lines - self.logged, lines
        return since

    def expected(self) -> Counter[Line]:
        """What the truth has changed since the last look."""
        before, self.truth = self.truth, numbers(self.product, DAYS)
        return expected(before, self.truth)


@pytest.mark.e2e
def test_the_log_tells_exactly_what_changed(tmp_path: Path) -> None:
    assert LOGGED.keys() == set(VIEWS)
    with Sandbox(World(11, ACCOUNTS)) as sandbox:
        history = History(Product(tmp_path, sandbox, ACCOUNTS, SETTINGS))
        assert history.product.load(DAYS).ok
        history.expected()
        assert history.new_lines() == Counter(), "a first load is no restatement"
        for number, changes in enumerate(ROUNDS):
            for how, day, name in changes:
                sandbox.world.restate(name, DAYS[day], how)
            assert history.product.load(DAYS, refetch=True).ok
            _compared, differences = history.product.differences(DAYS)
            assert differences == []
            told, due = history.new_lines(), history.expected()
            assert due.total() > 200
            assert {view for (_, view, *_), _, _ in due} == {logged.view for logged in LOGGED.values()}
            assert told - due == Counter(), f"round {number}: logged, and not changed"
            assert due - told == Counter(), f"round {number}: changed, and not logged"
            assert history.product.load(DAYS, refetch=True).ok
            assert history.new_lines() == Counter(), "loading the same again is no restatement"
