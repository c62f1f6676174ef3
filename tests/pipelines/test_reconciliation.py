"""Totals that do not add up are found: a number changed in a landed response shows in exactly its comparison.

The responses are the sandbox's; the changed one is landed later as a valid batch. Comparisons are read from the result
of the transform. For one case, and for all unchanged numbers, they are read from the warehouse too: both must agree.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey, select_newest_by_day
from pipelines.configuration import config as configuration
from pipelines.loads.claims import loadable_days
from pipelines.loads.load import load_days
from pipelines.loads.publish import publish_warehouse
from pipelines.loads.run import LoadJob, load_landed_batches
from pipelines.loads.workspace import Workspace
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.edited_responses import (
    DAY,
    Deltas,
    ResponseEdit,
)
from tests.support.installation import Installation, days_from
from tests.support.reconciliation_cases import CASES, Case
from tests.support.sample_batches import add_answer, forget_batch
from transforms.chunk import Chunk
from transforms.registry import transform_chunk

PROVIDERS = ("cognigy", "chatdash", "chatlayer", "chatcaptain", "inkeep")
"""The providers whose comparisons have a case. The conformance suite asserts for all that nothing is unexplained."""

DAYS = days_from(date(2025, 10, 26), 3)  # Berlin's clock changes on the first of them
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ARRIVAL = datetime(2027, 1, 1, tzinfo=UTC)

Comparison = tuple[date, str, str]
"""Day, measure, against."""
Figures = tuple[Decimal, Decimal, str, str | None]
"""Reported, loaded, verdict, reason."""
Comparisons = dict[Comparison, Figures]


def is_always_reusable(_batch: Batch, _day: date) -> bool:
    return True


@dataclass
class ReconciledWorld:
    """Loaded accounts with their first reconciliation, and the changes that tests make to landed batches."""

    product: Installation
    workspace: Workspace
    scratch: Path
    arrivals: int = 0

    def __post_init__(self) -> None:
        self.first = self.read_comparisons()

    def find_account(self, name: str) -> Account:
        return next(account for account in self.workspace.config.accounts if account.name == name)

    def find_batch(self, account: Account, stream: str) -> Batch:
        batches = self.workspace.landing.list_batches(account.provider, account.name, stream)
        return select_newest_by_day(batches, [DAY], account.external_id, account.timezone)[DAY]

    @contextmanager
    def land_changed(self, account: Account, batch: Batch, change: ResponseEdit) -> Iterator[Deltas]:
        """Land the batch again with the first response changed that the change applies to; remove it afterwards."""
        self.arrivals += 1
        at = ARRIVAL + timedelta(minutes=self.arrivals)
        key = BatchKey(
            account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window
        )
        deltas: Deltas | None = None
        with self.workspace.landing.open_writer(key) as writer:
            for part, body in batch.iter_bodies():
                changed = None if deltas else change(body, part.context)
                new_body, deltas = changed or (body, deltas)
                add_answer(
                    writer, Response(Request(**part.request), part.status, part.headers, at, new_body, part.context)
                )
            landed = writer.finish(at, remarks=batch.manifest["facts"])
        assert deltas
        assert landed.content_hash != batch.content_hash
        try:
            yield deltas
        finally:
            forget_batch(self.workspace.landing, landed)

    def compute_comparisons(self, account: Account) -> Comparisons:
        """Return the comparisons of the newest batches of all days, whatever their age."""
        days, claims = loadable_days(account, self.workspace.landing, DAYS, is_always_reusable)
        assert list(days) == DAYS
        self.arrivals += 1
        scratch = self.scratch / str(self.arrivals)
        scratch.mkdir()
        entries = transform_chunk(Chunk(account, days, claims, scratch)).reconciliations
        comparisons = {(entry.date, entry.measure, entry.against): get_figures(vars(entry)) for entry in entries}
        assert len(comparisons) == len(entries)
        return comparisons

    def load(self, account: Account) -> None:
        """Load the newest batches of all days, whatever their age, and publish."""
        loaded = load_days(self.workspace, account, DAYS, is_always_reusable)
        assert (loaded.days, loaded.rejected) == (DAYS, [])
        publish_warehouse(self.workspace)

    def read_comparisons(self) -> dict[str, Comparisons]:
        """Return the reconciliation of each account from the warehouse."""
        by_account: dict[str, Comparisons] = {account.name: {} for account in self.workspace.config.accounts}
        for row in self.workspace.store.read("SELECT * FROM reconciliation").to_pylist():
            comparison = (row["date"], row["measure"], row["against"])
            assert comparison not in by_account[row["account"]]
            assert row["difference"] == row["reported"] - row["loaded"]
            by_account[row["account"]][comparison] = get_figures(row)
        return by_account


def get_figures(line: Mapping[str, Any]) -> Figures:
    return line["reported"], line["loaded"], line["verdict"], line["reason"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ReconciledWorld:
    """The demo's accounts with less traffic; the bot has a team, and all channels of the other chatbot are listed."""
    accounts = []
    for account in [account for account in SAMPLE_ACCOUNTS if account.provider in PROVIDERS]:
        smaller = replace(account, daily_conversations=24)
        if account.name == "acme-bot":
            smaller = replace(smaller, ids={"bot_id": "b1", "team_id": "t1"})
        if account.name == "globex-voice":
            smaller = replace(smaller, channels=tuple(channel for channel in account.channels if channel.listed))
        accounts.append(smaller)
    folder = tmp_path_factory.mktemp("reconciled")
    with Sandbox(World(7, accounts)) as sandbox:
        product = Installation(folder, sandbox, accounts)
        assert product.load(DAYS).is_ok
    workspace = Workspace.open(configuration.load_config(folder / "chatmart.yaml"))
    return ReconciledWorld(product, workspace, tmp_path_factory.mktemp("compared"))


def test_nothing_is_unexplained(world: ReconciledWorld) -> None:
    verdicts = [verdict for lines in world.first.values() for _, _, verdict, _ in lines.values()]
    assert (len(verdicts), verdicts.count("ok"), verdicts.count("explained")) == (84, 73, 11)
    assert world.first == {
        account.name: world.compute_comparisons(account) for account in world.workspace.config.accounts
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_changed_number_is_found(world: ReconciledWorld, case: Case) -> None:
    account, before = world.find_account(case.account), world.first[case.account]
    with world.land_changed(account, world.find_batch(account, case.stream), case.change) as (
        reported_delta,
        loaded_delta,
    ):
        after = world.compute_comparisons(account)
    changed = {}
    for against in case.against:
        key = (DAY, case.measure, against)
        reported, added = before[key][0] + reported_delta, before[key][1] + loaded_delta
        assert reported != added
        changed[key] = (reported, added, "unexplained", None)
    assert {key: figures for key, figures in after.items() if figures[2] == "unexplained"} == changed
    verdicts = {key: figures[2] for key, figures in before.items()}
    new_verdicts = {key: figures[2] for key, figures in after.items()}
    assert new_verdicts == {**verdicts, **dict.fromkeys(changed, "unexplained")}


def test_unexplained_differences_are_in_the_warehouse(world: ReconciledWorld) -> None:
    case = next(case for case in CASES if len(case.against) > 2)
    account = world.find_account(case.account)
    with world.land_changed(account, world.find_batch(account, case.stream), case.change):
        world.load(account)
        assert world.read_comparisons() == {
            **world.first,
            case.account: world.compute_comparisons(account),
        }
    assert len(world.product.read_unexplained()) == len(case.against)
    world.load(account)
    assert world.read_comparisons() == world.first
    assert world.product.read_unexplained() == []


def test_every_comparison_has_a_case(world: ReconciledWorld) -> None:
    providers = {account.name: account.provider for account in world.workspace.config.accounts}
    tested = {(providers[name], line[1], line[2]) for name, lines in world.first.items() for line in lines}
    assert tested == {(providers[case.account], case.measure, against) for case in CASES for against in case.against}


def test_a_damaged_batch_leaves_its_slices_as_they_were(world: ReconciledWorld) -> None:
    account, before = world.find_account("acme-docs"), world.product.read_all_views()
    segments = world.workspace.landing.account_folder(account.provider, account.name).glob("*.jsonl.zst")
    contents = {path: path.read_bytes() for path in segments}
    for path, content in contents.items():
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    [outcome] = load_landed_batches(world.workspace, [LoadJob(account, tuple(DAYS))], LONG_AGO).outcomes
    for path, content in contents.items():
        path.write_bytes(content)
    [sentence] = outcome.errors
    assert sentence.startswith("acme-docs (inkeep.conversation")
    assert "cannot be read back" in sentence
    assert world.product.read_all_views() == before
    assert world.read_comparisons() == world.first
    assert {row.error for row in world.workspace.store.ledger("acme-docs")} == {sentence}
    world.load(account)
    assert {row.error for row in world.workspace.store.ledger("acme-docs")} == {None}
