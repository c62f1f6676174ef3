"""Every place of a project that holds a person before `forget`, and none that does after it but those of the page.

The bytes of all files are searched: unpacked, and with the escapes of JSON and HTML undone.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.dagster_tool import run_dagster_tool
from tests.support.installation import Installation, days_from
from tests.support.secret_scan import find_secrets, read_files
from warehouse.store import Store

DAYS = days_from(date(2025, 3, 1), 3)
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")
[DOCS] = [account for account in SAMPLE_ACCOUNTS if account.name == "acme-docs"]
ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.provider != "cognigy")
BOT = {"streams": ["conversations", "events", "flow"]}
PERSON = 'Zoë "planted" <person-7@example.com>'
PROPERTY, TEXT = "planted-property-of-person-7", f"please call me, {PERSON}, today"
TRANSFER = "planted-desk-of-person-7"
KEY_NAME, KEY = "FAKE_PRIVACY_KEY", "fake-key-of-pseudonyms-1"

LANDING, WAREHOUSE, STAGING, DAGSTER, OUTPUT, OTHER = (
    *("landing zone", "warehouse", "staging", "Dagster's home", "results of a person", "other"),
)
TAKEN_OUT = {OUTPUT, DAGSTER}
"""The places that docs/privacy.md says are not reached: what people took out, and logs that were written before."""


@dataclass
class PlantedPerson:
    """A product in which one person is planted in every field of every account that can hold one."""

    product: Installation
    texts: dict[str, list[str]] = field(default_factory=dict)

    def list_texts(self) -> list[str]:
        return [text for texts in self.texts.values() for text in texts]

    def find_places(self, texts: list[str]) -> Counter[str]:
        """Return in how many files of each place one of the texts stands."""
        files = {name: undo_escapes(content) for name, content in read_files(self.product.folder)}
        lines = find_secrets(texts, files.items())
        return Counter(name_place(name) for name in {line.rpartition(" in ")[2] for line in lines})


def undo_escapes(content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text.replace('\\"', '"'))
    return "\n".join((text, plain, html.unescape(plain))).encode("utf-8", "replace")


def name_place(path: str) -> str:
    places = {"data/landing": LANDING, "data/_staging": STAGING, "data/lake/_staging": STAGING, "data": WAREHOUSE}
    places |= {"home": DAGSTER, "out": OUTPUT}
    return next((place for folder, place in places.items() if path.startswith(f"{folder}/")), OTHER)


@contextmanager
def plant_person(
    folder: Path, store: str, monkeypatch: pytest.MonkeyPatch, accounts: tuple[SandboxAccount, ...] = ACCOUNTS
) -> Iterator[PlantedPerson]:
    monkeypatch.setenv(KEY_NAME, KEY)
    with Sandbox(World(accounts=accounts)) as sandbox:
        product = Installation(folder, sandbox, accounts, {"acme-bot": BOT}, warehouse_url=store)
        privacy = {"key": f"${{{KEY_NAME}}}", "properties": "keep", "message_texts": "keep"}
        product.configure(defaults={"rate_limit": dict(product.rate_limit), "privacy": privacy})
        plant = PlantedPerson(product)
        for account in accounts:
            plant.texts[account.name] = [PERSON, *plant_in_account(sandbox.world, account.name)]
        yield plant


def plant_in_account(world: World, account: str) -> list[str]:
    conversations = [item for _, items in world.conversations_by_day(account, DAYS) for item in items]
    users = Counter(item.user for item in conversations if item.user)
    own = [item for item in conversations if users and item.user == users.most_common(1)[0][0]]
    for item in own:
        item.user = PERSON
        item.properties = {**(item.properties or {}), "note": PROPERTY}
        if item.transfer_target:
            item.transfer_target = TRANSFER
    for item in conversations:  # ChatDash names no user: the id stands in a text
        if item.misunderstood_texts:
            item.misunderstood_texts = (TEXT, *item.misunderstood_texts[1:])
            break
    return [item.id for item in own] if world.accounts[account].provider != "chatdash" else []


def fail_a_load(plant: PlantedPerson) -> str:
    """Load once more with errors that quote the person; returns the standard error."""
    conversations = {account: texts[-1] for account, texts in plant.texts.items()}
    conversations["acme-sales"] = "a conversation"  # ChatDash ties no conversation to a user
    plant.product.sandbox.plan_faults(
        *(
            Fault(
                path=f"/{provider}/",
                status=422,
                body=json.dumps({"message": f"no user {PERSON} in {conversations[account]}", "title": PERSON}),
            )
            for provider, account in (("inkeep", "acme-docs"), ("chatlayer", "acme-bot"), ("chatdash", "acme-sales"))
        )
    )
    return plant.product.backfill(DAYS[0], DAYS[0], "--refetch", exit_code=1).err


def use_everything(plant: PlantedPerson) -> None:
    """Load, replay, report, take a result out, and fail."""
    product = plant.product
    (product.folder / "out").mkdir()
    product.backfill(DAYS[0], DAYS[-1])
    product.run("replay")
    assert "no user" in fail_a_load(plant)
    product.run("report", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), "--output", "out/report.html")
    product.run("sql", "SELECT * FROM conversation", "--output", "out/conversations.csv")
    product.run("sql", "SELECT * FROM load_ledger", "--output", "out/ledger.parquet")


def show_table(before: Counter[str], after: Counter[str]) -> None:
    for place in sorted({*before, *after}):
        print(f"| {place} | {before[place]} | {after[place]} |")  # noqa: T201 -- shown by pytest -s


def forget_everywhere(plant: PlantedPerson) -> None:
    for account in plant.texts:
        done = plant.product.run("forget", "--account", account, "--user", PERSON)
        assert not find_secrets(plant.list_texts(), [("output", (done.out + done.err).encode())])


@pytest.mark.e2e
@pytest.mark.parametrize("store", [STORES[0], pytest.param(STORES[1], marks=pytest.mark.long)])
def test_nothing_is_left_of_a_person_but_what_was_taken_out(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plant_person(tmp_path, store, monkeypatch) as plant:
        use_everything(plant)
        texts = [*plant.list_texts(), PROPERTY, TRANSFER]
        before = plant.find_places(texts)
        assert set(before) == {LANDING, WAREHOUSE, OUTPUT}
        forget_everywhere(plant)
        after = plant.find_places(texts)
        show_table(before, after)
        assert set(after) == {OUTPUT}
        plant.product.run("replay")
        plant.product.run("check", "--repair")
        plant.product.run("maintain")
        assert set(plant.find_places(texts)) == {OUTPUT}


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("store", STORES)
def test_after_a_run_of_dagster_its_logs_alone_are_left(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plant_person(tmp_path, store, monkeypatch) as plant:
        plant.product.sandbox.plan_faults(
            Fault(path="/inkeep/", skip=1, status=422, body=json.dumps({"title": f"no user {PERSON}"}))
        )
        selection = "key:inkeep/landing or key:inkeep/slices"
        for day in DAYS[:2]:
            command = ("dagster", "asset", "materialize", "--module-name", "pipelines.definitions")
            run_dagster_tool(plant.product, *command, "--select", selection, "--partition", str(day))
        texts = plant.texts["acme-docs"]
        before = plant.find_places(texts)
        assert set(before) >= {LANDING, WAREHOUSE}
        forget_everywhere(plant)
        after = plant.find_places(texts)
        show_table(before, after)
        assert set(after) <= {DAGSTER}


@pytest.mark.e2e
@pytest.mark.parametrize(("recorder", "store"), [("record_failures", STORES[0]), ("record_run", STORES[1])])
def test_an_error_that_a_run_still_holds_is_recorded_without_the_person(
    tmp_path: Path, recorder: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plant_person(tmp_path, store, monkeypatch, (DOCS,)) as plant:
        product, texts = plant.product, plant.list_texts()
        product.backfill(DAYS[0], DAYS[-1])
        forget_before(recorder, product, monkeypatch)
        product.sandbox.plan_faults(Fault(path="/inkeep/", status=422, body=json.dumps({"title": f"no user {PERSON}"})))
        done = product.backfill(DAYS[0], DAYS[0], "--refetch", exit_code=1)
        assert product.query("SELECT count(*) AS n FROM forgotten") == [{"n": 1}]
        for table in ("load_ledger", "load_run"):
            [row] = product.query(f"SELECT error FROM {table} WHERE error IS NOT NULL")
            assert "no user forgotten" in row["error"]
        assert not plant.find_places(texts)
        if recorder == "record_failures":  # else the error was printed before the person was forgotten
            assert "no user forgotten" in done.err
            assert find_secrets(texts, [("stderr", undo_escapes(done.err.encode()))]) == []


def forget_before(recorder: str, product: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another process forget the person at the last moment before a run records its errors."""
    record = getattr(Store, recorder)

    def forget_and_record(store: Store, rows: Sequence[Any], *more: Any) -> None:
        if any(row.error for row in rows):
            product.run_process("forget", "--account", DOCS.name, "--user", PERSON)
        record(store, rows, *more)

    monkeypatch.setattr(Store, recorder, forget_and_record)
