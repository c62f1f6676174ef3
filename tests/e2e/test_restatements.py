"""Restatements: after each round all views equal the truth, and the log has exactly the changed numbers."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.account import SandboxAccount
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
MIXED_ROUND = {
    "more of the first day, less of another one, and one empty": [
        *(("late", 0, name) for name in NAMES),
        *(("smaller", 1 + number % 4, name) for number, name in enumerate(NAMES)),
        *(("empty", 1 + (number + 1) % 4, name) for number, name in enumerate(NAMES)),
    ]
}
LOG_QUERY = """
SELECT r.*, r.logged_at = l.landed_at AS is_of_last_load, date_diff('day', r.date, CAST(r.logged_at AS DATE)) AS age
FROM restatement_log AS r JOIN load_ledger AS l ON l.account = r.account AND l.date = r.date
"""


@dataclass
class History:
    """The product, with the lines of its log and the numbers of the truth at the last look."""

    product: Installation
    logged: Counter[LogLine] = field(default_factory=Counter)
    truth: dict[LogKey, Decimal] = field(default_factory=dict)

    def read_new_lines(self) -> Counter[LogLine]:
        """Return the lines logged since the last look; every slice must have been landed again in between."""
        rows = self.product.store.read(LOG_QUERY).to_pylist()
        providers = {account.name: account.provider for account in self.product.accounts}
        assert all((row["provider"], row["age_days"]) == (providers[row["account"]], row["age"]) for row in rows)
        before, self.logged = self.logged, Counter(map(_to_log_line, rows))
        new = self.logged - before
        assert new == Counter(_to_log_line(row) for row in rows if row["is_of_last_load"])
        assert before - self.logged == Counter(), "what was logged once stays"
        return new

    def collect_changes(self) -> Counter[LogLine]:
        """Return the changes of the truth since the last look."""
        before, self.truth = self.truth, collect_truth_numbers(self.product, DAYS)
        return compute_expected_lines(before, self.truth)


def _to_log_line(row: dict[str, Any]) -> LogLine:
    return (row["account"], row["view"], row["date"], row["member"], row["measure"]), row["old"], row["new"]


def check_against_truth(installation: Installation) -> None:
    compared, differences = installation.compare_with_truth(DAYS)
    assert differences == []
    assert compared > 400


Rounds = dict[str, list[tuple[str, int, str]]]


@pytest.mark.e2e
@pytest.mark.parametrize("rounds", [MIXED_ROUND, pytest.param(ROUNDS, marks=pytest.mark.long)], ids=["one", "three"])
def test_the_log_has_exactly_the_changed_numbers(tmp_path: Path, rounds: Rounds) -> None:
    assert LOGGED_VIEWS.keys() == set(VIEWS)
    with Sandbox(World(11, ACCOUNTS)) as sandbox:
        history = History(Installation(tmp_path, sandbox, ACCOUNTS, SETTINGS))
        assert history.product.load(DAYS).is_ok
        assert history.collect_changes()
        assert history.read_new_lines() == Counter(), "a first load is no restatement"
        for name, changes in rounds.items():
            for how, day, account in changes:
                sandbox.world.restate(account, DAYS[day], how)
            assert history.product.load(DAYS, refetch=True).is_ok
            check_against_truth(history.product)
            logged, expected = history.read_new_lines(), history.collect_changes()
            assert {view for (_, view, *_), _, _ in expected} == {form.view for form in LOGGED_VIEWS.values()}
            assert logged - expected == Counter(), f"logged, and not changed: {name}"
            assert expected - logged == Counter(), f"changed, and not logged: {name}"
        assert history.product.load(DAYS, refetch=True).is_ok
        assert history.read_new_lines() == Counter(), "loading the same again is no restatement"
        check_against_truth(history.product)
    members = [(old, new) for ((*_, member, _), old, new) in history.logged if member]
    assert any(old is None for old, _ in members), "a member that appears was nothing before"
    assert any(new is None for _, new in members), "a member that vanishes is nothing now"
