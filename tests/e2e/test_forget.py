"""A person is forgotten: shown before, in no byte after, whatever is replayed or fetched again, and no count moves."""

import json
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from extractors.landing import erase_log, merge
from pipelines.configuration.config import load_config
from pipelines.loads import forget, load, publish
from pipelines.loads.workspace import Workspace
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from
from tests.support.secret_scan import find_secrets, read_files
from warehouse.store import Store

DAYS = days_from(date(2025, 3, 1), 4)
DEMO = {account.name: account for account in SAMPLE_ACCOUNTS}
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")
KEY_NAME = "FAKE_PRIVACY_KEY"
PERSON = "planted-person-7@example.com"
BOT = {"streams": ["conversations", "events", "flow"]}
OTHER_PAIRS = (("acme-docs", STORES[1]), ("acme-voice", STORES[0]), ("acme-bot", STORES[1]))
COUNTS = (
    "SELECT account, date, conversations, user_messages, unique_users FROM conversation_daily ORDER BY ALL",
    "SELECT account, date, count(*) AS n, sum(user_messages) AS m FROM conversation GROUP BY ALL ORDER BY ALL",
    "SELECT account, date, count(*) AS n, sum(hits) AS h FROM conversation_intent GROUP BY ALL ORDER BY ALL",
    "SELECT account, date, count(*) AS n FROM flow_transition GROUP BY ALL ORDER BY ALL",
    "SELECT * FROM containment_monthly ORDER BY ALL",
    "SELECT * FROM type_daily ORDER BY ALL",
)


@contextmanager
def open_product(folder: Path, account: str, store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Yield a product with one account, in which a person is planted, and the ids of the person's conversations."""
    monkeypatch.setenv(KEY_NAME, "fake-key-of-pseudonyms-1")
    accounts = [DEMO[account]]
    with Sandbox(World(accounts=tuple(accounts))) as sandbox:
        product = Installation(folder, sandbox, accounts, {"acme-bot": BOT}, warehouse_url=store)
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


def find_person(product: Installation, wanted: list[str]) -> list[str]:
    return find_secrets(wanted, read_files(product.folder))


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("account", "store"),
    [
        ("acme-voice", STORES[1]),
        pytest.param("acme-docs", STORES[0], marks=pytest.mark.long),
        pytest.param("acme-docs", "delta://data/delta", marks=pytest.mark.long),
        pytest.param("acme-bot", STORES[0], marks=pytest.mark.long),
        *(pytest.param(*pair, marks=pytest.mark.long) for pair in OTHER_PAIRS),
    ],
)
def test_a_forgotten_person_is_in_no_byte(
    tmp_path: Path, account: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_product(tmp_path, account, store, monkeypatch) as product:
        wanted = [PERSON, *plant_person(product.sandbox, account)]
        product.backfill(DAYS[0], DAYS[-1])
        held = show(product, account)
        assert {data["where"] for data in held} == {"landing zone", "warehouse"}
        assert all(data["account"] == account and data["rows"] and data["first"] >= str(DAYS[0]) for data in held)
        assert any(data["batches"] for data in held)
        assert find_person(product, wanted)
        counts = read_counts(product)

        done = product.run("forget", "--account", account, "--user", PERSON)
        assert PERSON not in done.err + done.out
        assert find_person(product, wanted) == []
        assert show(product, account) == []
        assert read_counts(product) == counts
        [proof] = product.query("SELECT * FROM forgotten")
        assert (proof["account"], proof["date"]) == (account, proof["forgotten_at"][:10])
        assert proof["records"] > 0
        assert proof["rows"] > 0
        assert set(proof["batches"]) == {batch for data in held for batch in data["batches"]}

        product.run("replay")
        assert find_person(product, wanted) == []
        assert read_counts(product) == counts
        product.backfill(DAYS[0], DAYS[-1], "--refetch")
        assert find_person(product, wanted) == []
        assert show(product, account) == []
        assert read_counts(product) == counts
        assert product.query("SELECT * FROM restatement_log") == []
        product.run("maintain")
        product.run("check")
        product.run("replay")
        assert find_person(product, wanted) == []
        assert read_counts(product) == counts
        assert product.query("SELECT * FROM forgotten") == [proof]


@pytest.mark.e2e
def test_a_lost_warehouse_is_rebuilt_without_the_person_and_with_the_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_product(tmp_path, "acme-docs", STORES[0], monkeypatch) as product:
        wanted = [PERSON, *plant_person(product.sandbox, "acme-docs")]
        product.backfill(DAYS[0], DAYS[-1])
        product.run("forget", "--account", "acme-docs", "--user", PERSON)
        counts, proof = read_counts(product), product.query("SELECT * FROM forgotten")
        for path in (product.folder / "data").glob("*warehouse*"):
            path.unlink()
        product.run("replay")
        assert read_counts(product) == counts
        assert product.query("SELECT * FROM forgotten") == proof
        product.backfill(DAYS[0], DAYS[-1], "--refetch")
        assert find_person(product, wanted) == []


class Killed(BaseException):
    """The end of the process."""


PLACES = [
    (merge, "write_sealed"),
    (erase_log, "remove_unreferenced_bodies"),
    (forget, "erase_log"),
    (forget, "_remove_staged"),
    (Store, "forget_person"),
    (Store, "record_forgotten"),
    (Store, "purge"),
]
KILLS = [(place, is_after) for place in PLACES for is_after in (False, True)]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("place", "is_after"),
    [
        pytest.param(*kill, id=f"{kill[0][1]}-{kill[1]}", marks=() if kill == KILLS[1] else pytest.mark.long)
        for kill in KILLS
    ],
)
def test_a_killed_forgetting_is_finished_by_another_one(
    tmp_path: Path, place: tuple[Any, str], is_after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_product(tmp_path, "acme-docs", STORES[0], monkeypatch) as product:
        wanted = [PERSON, *plant_person(product.sandbox, "acme-docs")]
        for day in DAYS[:3]:
            product.backfill(day, day)  # a segment each
        counts = read_counts(product)
        records = sum(data["rows"] for data in show(product, "acme-docs") if data["where"] == "landing zone")
        module, name = place
        work = getattr(module, name)

        def die(*arguments: Any, **more: Any) -> None:
            if is_after:
                work(*arguments, **more)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, name, die)
            with pytest.raises(Killed):
                product.run("forget", "--account", "acme-docs", "--user", PERSON)
        product.run("forget", "--account", "acme-docs", "--user", PERSON)
        assert find_person(product, wanted) == []
        assert read_counts(product) == counts
        [proof] = product.query("SELECT * FROM forgotten")
        assert proof["records"] == records
        assert proof["rows"] >= len(wanted) - 1
        product.run("replay")
        assert read_counts(product) == counts


@pytest.mark.e2e
def test_an_account_that_is_being_fetched_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_product(tmp_path, "acme-docs", STORES[0], monkeypatch) as product:
        plant_person(product.sandbox, "acme-docs")
        product.backfill(DAYS[0], DAYS[0])
        with FileLock(product.folder / "data/landing/provider=inkeep/account=acme-docs/.fetch.lock"):
            done = product.run("forget", "--account", "acme-docs", "--user", PERSON, exit_code=1)
        assert "is fetching this account" in done.err
        assert "run the same command again when it has ended" in done.err
        assert show(product, "acme-docs")


@pytest.mark.e2e
def test_staged_files_of_a_killed_run_that_hold_the_person_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_product(tmp_path, "acme-docs", STORES[0], monkeypatch) as product:
        wanted = plant_person(product.sandbox, "acme-docs")
        product.backfill(DAYS[0], DAYS[-1])
        staged = [product.folder / "data/_staging/killed" / name / "conversation.parquet" for name in ("a", "b")]
        for path, conversation in zip(staged, (wanted[0], "another"), strict=True):
            path.parent.mkdir(parents=True)
            pq.write_table(pa.table({"conversation_id": [conversation], "user_id": [None]}), path)
        product.run("forget", "--account", "acme-docs", "--user", PERSON)
        assert [path.exists() for path in staged] == [False, True]


@pytest.mark.e2e
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("moment", ["before", "write_people", "erase_log", "_remove_staged"])
def test_a_load_that_was_prepared_before_and_commits_after_brings_nobody_back(
    tmp_path: Path, store: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_product(tmp_path, "acme-docs", store, monkeypatch) as product:
        wanted = [PERSON, *plant_person(product.sandbox, "acme-docs")]
        product.load(DAYS)
        counts = read_counts(product)
        workspace = Workspace.open(load_config(product.folder / "chatmart.yaml"))
        [account] = workspace.config.accounts
        days_load = load.DaysLoad(account, DAYS, lambda _batch, _day: True)
        prepared: list[Any] = []

        def prepare() -> None:
            if not prepared:
                prepared.extend(load._prepare_group(workspace, deque([days_load])))

        if moment == "before":
            prepare()
        else:
            work = getattr(forget, moment)

            def prepare_first(*arguments: Any) -> Any:
                prepare()
                return work(*arguments)

            monkeypatch.setattr(forget, moment, prepare_first)
        record, again = Store.record_forgotten, []

        def commit_first(own: Store, rows: Any) -> None:
            again.extend(load._commit_group(workspace, prepared))
            record(own, rows)

        monkeypatch.setattr(Store, "record_forgotten", commit_first)
        product.run("forget", "--account", "acme-docs", "--user", PERSON)
        assert find_person(product, wanted) == []
        assert again == [days_load]
        load.commit_loads(workspace, again)
        assert (days_load.error, days_load.result.days) == (None, DAYS)
        publish.publish_warehouse(workspace)
        assert find_person(product, wanted) == []
        assert show(product, "acme-docs") == []
        assert read_counts(product) == counts
