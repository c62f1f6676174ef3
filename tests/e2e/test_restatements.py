"""What providers change later: after each round all views equal the truth, and the log tells exactly what changed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import SandboxAccount
from sandbox.server import Sandbox
from sandbox.truth import VIEWS
from sandbox.vendors import get_vendor
from sandbox.world import World
from tests.support.installation import Installation, days_from
from tests.support.restatement_lines import LOGGED_VIEWS, LogKey, LogLine, collect_truth_numbers, compute_expected_lines

DAYS = days_from(date(2025, 3, 8), 5)  # New York's clock changes on the second of them
YORK = "America/New_York"
ACCOUNTS = (
    SandboxAccount("acme-support", "cognigy", YORK, daily_conversations=12),
    SandboxAccount("acme-sales", "chatdash", "Europe/Berlin", daily_conversations=12),
    SandboxAccount("acme-bot", "chatlayer", "UTC", {"team_id": "t1"}, daily_conversations=12),
    SandboxAccount("acme-voice", "chatcaptain", YORK, daily_conversations=12),
    SandboxAccount("acme-docs", "inkeep", YORK, daily_conversations=12),
)
NAMES = [account.name for account in ACCOUNTS]
SETTINGS = {
    "acme-support": {"streams": ["conversation_counter", "call_counter", "knowledge_query_counter"]},
    "acme-sales": {"privacy": {"message_texts": "keep"}},
    "acme-bot": {"streams": [*get_vendor("chatlayer").default_streams, "events"]},
}
ROUNDS = {
    "more of the first day, and of another one of each account": [
        *(("late", 0, name) for name in NAMES),
        *(("late", 1 + number % 4, name) for number, name in enumerate(NAMES)),
    ],
    "the same other days again, now smaller, and some days empty": [
        *(("smaller", 1 + number % 4, name) for number, name in enumerate(NAMES)),
        *(("empty", 1 + (number + 1) % 4, name) for number, name in enumerate(NAMES)),
    ],
    "all gone where something was, and something where all was gone": [
        *(("empty", 0, name) for name in NAMES),
        *(("late", 1 + (number + 1) % 4, name) for number, name in enumerate(NAMES)),
    ],
}
MIXED = {
    "more of the first day, less of another one, and one empty": [
        *(("late", 0, name) for name in NAMES),
        *(("smaller", 1 + number % 4, name) for number, name in enumerate(NAMES)),
        *(("empty", 1 + (number + 1) % 4, name) for number, name in enumerate(NAMES)),
    ]
}
LINES = """
SELECT r.*, r.logged_at = l.landed_at AS is_of_last_load, date_diff('day', r.date, CAST(r.logged_at AS DATE)) AS age
FROM restatement_log AS r JOIN load_ledger AS l ON l.account = r.account AND l.date = r.date
"""


@dataclass
class History:
    """The product, and what stood in its log and in the truth when it was looked at last."""

    product: Installation
    logged: Counter[LogLine] = field(default_factory=Counter)
    truth: dict[LogKey, Decimal] = field(default_factory=dict)

    def new_lines(self) -> Counter[LogLine]:
        """The lines of the log since the last look, before which every slice was landed anew."""
        rows = self.product.store.read(LINES).to_pylist()
        providers = {account.name: account.provider for account in self.product.accounts}
        assert all((row["provider"], row["age_days"]) == (providers[row["account"]], row["age"]) for row in rows)
        before, self.logged = self.logged, Counter(map(_line, rows))
        new = self.logged - before
        assert new == Counter(_line(row) for row in rows if row["is_of_last_load"])
        assert before - self.logged == Counter(), "what was logged once stays"
        return new

    def changed(self) -> Counter[LogLine]:
        """What the truth has changed since the last look."""
        before, self.truth = self.truth, collect_truth_numbers(self.product, DAYS)
        return compute_expected_lines(before, self.truth)


def _line(row: dict[str, Any]) -> LogLine:
    return (row["account"], row["view"], row["date"], row["member"], row["measure"]), row["old"], row["new"]


def _equals_the_truth(installation: Installation) -> None:
    compared, differences = installation.compare_with_truth(DAYS)
    assert differences == []
    assert compared > 400


Rounds = dict[str, list[tuple[str, int, str]]]


@pytest.mark.e2e
@pytest.mark.parametrize("rounds", [MIXED, pytest.param(ROUNDS, marks=pytest.mark.long)], ids=["one", "three"])
def test_the_log_tells_exactly_what_changed(tmp_path: Path, rounds: Rounds) -> None:
    assert LOGGED_VIEWS.keys() == set(VIEWS)
    with Sandbox(World(11, ACCOUNTS)) as sandbox:
        history = History(Installation(tmp_path, sandbox, ACCOUNTS, SETTINGS))
        assert history.product.load(DAYS).is_ok
        assert history.changed()
        assert history.new_lines() == Counter(), "a first load is no restatement"
        for name, changes in rounds.items():
            for how, day, account in changes:
                sandbox.world.restate(account, DAYS[day], how)
            assert history.product.load(DAYS, refetch=True).is_ok
            _equals_the_truth(history.product)
            told, due = history.new_lines(), history.changed()
            assert {view for (_, view, *_), _, _ in due} == {logged.view for logged in LOGGED_VIEWS.values()}
            assert told - due == Counter(), f"logged, and not changed: {name}"
            assert due - told == Counter(), f"changed, and not logged: {name}"
        assert history.product.load(DAYS, refetch=True).is_ok
        assert history.new_lines() == Counter(), "loading the same again is no restatement"
        _equals_the_truth(history.product)
    members = [(old, new) for ((*_, member, _), old, new) in history.logged if member]
    assert any(old is None for old, _ in members), "a member that appears was nothing before"
    assert any(new is None for _, new in members), "a member that vanishes is nothing now"
