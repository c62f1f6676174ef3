"""Texts and bodies of a provider that attack the program itself: SQL, patterns, paths and templates in every text that
it may choose, and JSON that is nested without end.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.conversations import Conversation
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

DAYS = days_from(date(2025, 3, 1), 2)
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")
BOT = {"streams": ["conversations", "events", "flow"]}
HOSTILE = (
    "x'); DROP TABLE fact_conversation; --",
    "' OR 1=1 UNION SELECT * FROM read_text('/etc/passwd') --",
    "$table $column $$ $1 ? :name %s {0} {account} \\1 \\' \\",
    "'; COPY fact_conversation TO '../../stolen.csv'; --",
    "../../../../outside*?[a]#%2e%2e",
)
TOTALS = "SELECT account, date, conversations FROM conversation_daily ORDER BY ALL"
NESTED = {"lists": "[" * 2_000_000, "objects": '{"a":' * 400_000, "closed": "[" * 500_000 + "]" * 500_000}
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


def make_hostile(conversations: Iterable[Conversation]) -> None:
    """Put a hostile text into every field that a provider, a bot's author or a visitor writes freely."""
    for number, item in enumerate(conversations):
        text = HOSTILE[number % len(HOSTILE)]
        item.intents = tuple(text for _ in item.intents[:1])
        item.misunderstood_texts = tuple(text for _ in item.misunderstood_texts)
        item.steps = tuple(f"{text} {step}" for step in item.steps)
        item.topics = tuple((text, other) for _, other in item.topics[:1])
        item.properties = {text: text} if item.properties is not None else None
        if item.user:
            item.user = f"{item.user} {text}"
        if item.transfer_target:
            item.transfer_target = text
        if item.exit_step:
            item.exit_step = text


@pytest.mark.e2e
@pytest.mark.parametrize("store", [STORES[0], pytest.param(STORES[1], marks=pytest.mark.long)])
def test_every_text_of_a_provider_is_only_a_text(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PRIVACY_KEY", "fake-key-of-pseudonyms-1")
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    with Sandbox(World(accounts=SAMPLE_ACCOUNTS)) as sandbox:
        for account in SAMPLE_ACCOUNTS:
            for _, conversations in sandbox.world.conversations_by_day(account.name, DAYS):
                make_hostile(conversations)
        product = Installation(folder, sandbox, SAMPLE_ACCOUNTS, {"acme-bot": BOT}, store)
        for _ in range(2):  # the second one replaces what the first has written
            product.backfill(DAYS[0], DAYS[-1], "--refetch")
        compared, lines = product.compare_with_truth(DAYS)
        assert compared
        assert lines == []
        assert set(HOSTILE) <= {row["member"] for row in product.query("SELECT intent AS member FROM intent_daily")}
        privacy = {"key": "${FAKE_PRIVACY_KEY}", "properties": "keep", "message_texts": "keep"}
        product.configure(defaults={"rate_limit": dict(product.rate_limit), "privacy": privacy})
        counts = product.query(TOTALS)
        product.run("replay")
        product.run("report", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--output", "report.html")
        for text in HOSTILE:
            product.run("show", "--user", text)
        product.run("forget", "--account", "acme-docs", "--user", HOSTILE[0])
        assert product.query(TOTALS) == counts
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert not list(tmp_path.rglob("stolen*"))
    assert not list(tmp_path.rglob("outside*"))


@pytest.mark.e2e
@pytest.mark.parametrize(
    "kind", [kind if kind == "objects" else pytest.param(kind, marks=pytest.mark.long) for kind in sorted(NESTED)]
)
def test_json_that_is_nested_without_end_is_a_refused_answer(tmp_path: Path, kind: str) -> None:
    with Sandbox() as sandbox:
        # an export whose answer was lost is not asked for again soon
        streams = {account.name: {"streams": ["channels"]} for account in ONE_OF_EACH if is_chatcaptain(account)}
        product = Installation(tmp_path, sandbox, ONE_OF_EACH, streams)
        sandbox.plan_faults(*(Fault(f"/{account.provider}/", 10, 200, NESTED[kind]) for account in ONE_OF_EACH))
        done = product.backfill(DAYS[0], DAYS[0], exit_code=1)
        for account in ONE_OF_EACH:
            assert f"{account.name} (" in done.err
        assert "Traceback" not in done.err
        assert "please report it" not in done.err
        assert len(done.err) < 20_000
        sandbox.request_log.faults.clear()
        product.backfill(DAYS[0], DAYS[0])


def is_chatcaptain(account: SandboxAccount) -> bool:
    return account.provider == "chatcaptain"
