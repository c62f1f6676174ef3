"""A person is forgotten: shown before, in no byte after, whatever is replayed or fetched again, and no count moves."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from
from tests.support.secret_scan import find_secrets, read_files

DAYS = days_from(date(2025, 3, 1), 4)
ACCOUNTS = [account for account in DEMO_ACCOUNTS if account.name in ("acme-docs", "acme-voice", "acme-bot")]
KEY_NAME = "FAKE_PRIVACY_KEY"
PERSON = "planted-person-7@example.com"
BOT = {"streams": ["conversations", "events", "flow"]}
COUNTS = (
    "SELECT account, date, conversations, user_messages, unique_users FROM conversation_daily ORDER BY ALL",
    "SELECT account, date, count(*) AS n, sum(user_messages) AS m FROM conversation GROUP BY ALL ORDER BY ALL",
    "SELECT account, date, count(*) AS n, sum(hits) AS h FROM conversation_intent GROUP BY ALL ORDER BY ALL",
    "SELECT account, date, count(*) AS n FROM flow_transition GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM containment_monthly ORDER BY ALL",
    "SELECT * FROM type_daily ORDER BY ALL",
)


@pytest.fixture(params=["duckdb://data/warehouse.duckdb", "parquet://data/lake"])
def product(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv(KEY_NAME, "fake-key-of-pseudonyms-1")
    with Sandbox(World(accounts=tuple(ACCOUNTS))) as sandbox:
        product = Installation(tmp_path, sandbox, ACCOUNTS, {"acme-bot": BOT}, warehouse_url=request.param)
        privacy = {"key": f"${{{KEY_NAME}}}", "properties": "keep"}
        product.configure(defaults={"rate_limit": dict(product.rate_limit), "privacy": privacy})
        yield product


def plant_person(sandbox: Sandbox, account: str) -> list[str]:
    """Give the busiest user of an account on the days the planted id; return the ids of the user's conversations."""
    conversations = [
        conversation
        for _, day_conversations in sandbox.world.conversations_by_day(account, DAYS)
        for conversation in day_conversations
    ]
    users = Counter(conversation.user for conversation in conversations if conversation.user)
    [(busiest, _)] = users.most_common(1)
    own = [conversation for conversation in conversations if conversation.user == busiest]
    for conversation in own:
        conversation.user = PERSON
    return [conversation.id for conversation in own]


def show(product: Installation, account: str) -> list[dict[str, Any]]:
    shown = product.run("show", "--user", PERSON, "--account", account, "--json")
    held: list[dict[str, Any]] = json.loads(shown.out)["held"]
    return held


def read_counts(product: Installation) -> list[list[dict[str, Any]]]:
    return [product.query(query) for query in COUNTS]


@pytest.mark.e2e
@pytest.mark.parametrize("account", ["acme-docs", "acme-voice", "acme-bot"])
def test_a_forgotten_person_is_in_no_byte(product: Installation, account: str) -> None:
    wanted = [PERSON, *plant_person(product.sandbox, account)]
    product.backfill(DAYS[0], DAYS[-1])
    held = show(product, account)
    assert {data["where"] for data in held} == {"landing zone", "warehouse"}
    assert all(data["account"] == account and data["rows"] and data["first"] >= str(DAYS[0]) for data in held)
    assert any(data["batches"] for data in held)
    assert find_secrets(wanted, read_files(product.folder))
    counts = read_counts(product)

    done = product.run("forget", "--account", account, "--user", PERSON)
    assert PERSON not in done.err + done.out
    assert find_secrets(wanted, read_files(product.folder)) == []
    assert show(product, account) == []
    assert read_counts(product) == counts
    [proof] = product.query("SELECT * FROM forgotten")
    assert (proof["account"], proof["date"]) == (account, proof["forgotten_at"][:10])
    assert proof["records"] > 0
    assert proof["rows"] > 0
    assert set(proof["batches"]) == {batch for data in held for batch in data["batches"]}
    others = product.query("SELECT count(DISTINCT user_id) AS users FROM conversation WHERE user_id <> ''")
    assert others[0]["users"] > 1

    product.run("replay")
    assert find_secrets(wanted, read_files(product.folder)) == []
    assert read_counts(product) == counts
    product.backfill(DAYS[0], DAYS[-1], "--refetch")
    assert find_secrets(wanted, read_files(product.folder)) == []
    assert show(product, account) == []
    assert read_counts(product) == counts
    assert product.query("SELECT * FROM restatement_log") == []
    product.run("maintain")
    product.run("replay")
    assert find_secrets(wanted, read_files(product.folder)) == []
    assert read_counts(product) == counts
    assert len(product.query("SELECT * FROM forgotten")) == 1
