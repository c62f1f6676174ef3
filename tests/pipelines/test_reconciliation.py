"""Totals that do not add up are found: one number is changed in a landed answer, and exactly that comparison says so.

The answers are the sandbox's; the changed one arrives later as a valid batch. What is found is looked at where it is
handed over, and for one case and for all that is unchanged in the books too: they hold the same lines.
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
from pipelines.loads.load import load_days, publish_warehouse
from pipelines.loads.plan import loadable_days
from pipelines.loads.run import LoadJob, load_landed_batches
from pipelines.loads.workspace import Workspace
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.edited_responses import (
    DAY,
    Deltas,
    ResponseEdit,
    add_silent_line,
    edit_export_lines,
    edit_json,
    increase_bucket_count,
    increase_channel_count,
    increase_channel_messages,
    increase_country_count,
    increase_daily_aggregate,
    increase_line_messages,
    increase_member_count,
    increase_only_series_value,
    increase_row_messages,
    increase_series_value,
    increase_total,
    reduce_day_total,
)
from tests.support.installation import Installation, days_from
from transforms.chunk import Chunk
from transforms.registry import transform_chunk

DAYS = days_from(date(2025, 10, 26), 3)  # Berlin's clock changes on the first of them
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ARRIVAL = datetime(2027, 1, 1, tzinfo=UTC)

Line = tuple[date, str, str]
"""Day, measure, against."""
Found = tuple[Decimal, Decimal, str, str | None]
"""Told, loaded, verdict, reason."""
Lines = dict[Line, Found]


def _always(_batch: Batch, _day: date) -> bool:
    return True


@dataclass(frozen=True)
class Case:
    """One comparison of docs/mapping.md, and a change that must show in it."""

    account: str
    stream: str
    change: ResponseEdit
    measure: str
    against: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.account}, {self.stream}: {self.measure} and {', '.join(self.against)}"


def _bucket(stream: str, component: str, measure: str) -> Case:
    return Case("globex-voice", stream, edit_json(increase_bucket_count(component)), measure, (component,))


def _total(key: str, measure: str, *against: str) -> Case:
    return Case("globex-voice", "overview_report", edit_json(increase_total(key)), measure, against)


CASES = (
    Case("acme-support", "conversation_counter", edit_json(reduce_day_total), "conversations", ("channel_daily",)),
    Case(
        "globex-support", "conversation_counter", edit_json(increase_channel_count), "conversations", ("channel_daily",)
    ),
    Case("acme-sales", "analytics", edit_json(increase_country_count), "conversations", ("country_daily",)),
    Case("acme-bot", "conversations_by_channel", edit_json(increase_series_value), "conversations", ("channel_daily",)),
    Case(
        "acme-bot", "conversations_by_language", edit_json(increase_series_value), "conversations", ("language_daily",)
    ),
    Case(
        "acme-bot",
        "team_usage",
        edit_json(lambda told: increase_series_value(told, bot_id="b1", bot_version="LIVE")),
        "conversations",
        ("team_daily",),
    ),
    Case(
        "acme-bot",
        "conversations",
        edit_json(increase_only_series_value),
        "conversations",
        ("channel_daily", "language_daily", "team_daily"),
    ),
    Case(
        "acme-voice",
        "overview_report",
        edit_json(increase_member_count("CONVERSATION_BY_CHANNEL_TYPE")),
        "conversations",
        ("channel_daily",),
    ),
    Case("acme-voice", "export", edit_export_lines(add_silent_line), "conversations", ("export",)),
    Case("globex-voice", "export", edit_export_lines(increase_line_messages), "messages", ("export",)),
    Case("globex-voice", "channel_report", increase_channel_messages, "messages", ("channel_daily",)),
    _bucket("overview_report", "CONVERSATION_COUNT_INTERVAL", "conversations"),
    _bucket("overview_report", "MESSAGE_COUNT_INTERVAL", "messages"),
    _bucket("overview_report", "INTERACTION_COUNT_INTERVAL", "interactions"),
    _bucket("channel_report", "CONVERSATION_COUNT_INTERVAL_FOR_CHANNEL_ID", "conversations"),
    _bucket("channel_report", "INTERACTION_COUNT_INTERVAL_FOR_CHANNEL_ID", "interactions"),
    _bucket("channel_report", "MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID", "messages"),
    _total("CONVERSATION_COUNT", "conversations", "channel_daily", "export", "CONVERSATION_COUNT_INTERVAL"),
    _total("MESSAGE_COUNT", "messages", "channel_daily", "export", "MESSAGE_COUNT_INTERVAL"),
    Case(
        "acme-docs",
        "conversation_totals",
        edit_json(increase_daily_aggregate("count")),
        "conversations",
        ("conversation",),
    ),
    Case(
        "acme-docs",
        "conversation_totals",
        edit_json(increase_daily_aggregate("sum_userMessageCount", 5)),
        "user_messages",
        ("conversation",),
    ),
    Case("acme-docs", "conversations", edit_json(increase_row_messages), "user_messages", ("conversation",)),
)


@dataclass
class Loaded:
    """The accounts, loaded, what their books said then, and what can be done to a landed batch."""

    product: Installation
    workspace: Workspace
    scratch: Path
    arrivals: int = 0

    def __post_init__(self) -> None:
        self.first = self.lines()

    def account(self, name: str) -> Account:
        return next(account for account in self.workspace.config.accounts if account.name == name)

    def batch(self, account: Account, stream: str) -> Batch:
        batches = self.workspace.landing.list_batches(account.provider, account.name, stream)
        return select_newest_by_day(batches, [DAY], account.external_id, account.timezone)[DAY]

    @contextmanager
    def arrived(self, account: Account, batch: Batch, change: ResponseEdit) -> Iterator[Deltas]:
        """Land the batch anew, with the first answer changed that the change is about, and take it away afterwards."""
        self.arrivals += 1
        at = ARRIVAL + timedelta(minutes=self.arrivals)
        key = BatchKey(
            account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window
        )
        deltas: Deltas | None = None
        with self.workspace.landing.open_writer(key) as writer:
            for part, body in batch.iter_bodies():
                changed = None if deltas else change(body, part.context)
                told, deltas = changed or (body, deltas)
                writer.add(Response(Request(**part.request), part.status, part.headers, at, told, part.context))
            landed = writer.finish(at, remarks=batch.manifest["facts"])
        assert deltas
        assert landed.content_hash != batch.content_hash
        try:
            yield deltas
        finally:
            landed.manifest_path.unlink()
            landed.path.unlink()

    def compared(self, account: Account) -> Lines:
        """The comparisons that the newest answers of all days make, whatever their age."""
        days, claims = loadable_days(account, self.workspace.landing, DAYS, _always)
        assert list(days) == DAYS
        self.arrivals += 1
        scratch = self.scratch / str(self.arrivals)
        scratch.mkdir()
        made = transform_chunk(Chunk(account, days, claims, scratch)).reconciliations
        lines = {(told.date, told.measure, told.against): _numbers(vars(told)) for told in made}
        assert len(lines) == len(made)
        return lines

    def load(self, account: Account) -> None:
        """Load the newest answers of all days, whatever their age, and publish."""
        loaded = load_days(self.workspace, account, DAYS, _always)
        assert (loaded.days, loaded.rejected) == (DAYS, [])
        publish_warehouse(self.workspace)

    def lines(self) -> dict[str, Lines]:
        """The reconciliation of each account, as the books have it."""
        found: dict[str, Lines] = {account.name: {} for account in self.workspace.config.accounts}
        for row in self.workspace.store.read("SELECT * FROM reconciliation").to_pylist():
            line = (row["date"], row["measure"], row["against"])
            assert line not in found[row["account"]]
            assert row["difference"] == row["reported"] - row["loaded"]
            found[row["account"]][line] = _numbers(row)
        return found


def _numbers(line: Mapping[str, Any]) -> Found:
    return line["reported"], line["loaded"], line["verdict"], line["reason"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The demo's accounts with less traffic; a team of the bot, and a chatbot whose channels are all listed."""
    accounts = []
    for account in DEMO_ACCOUNTS:
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
    return Loaded(product, workspace, tmp_path_factory.mktemp("compared"))


def test_nothing_is_unexplained(loaded: Loaded) -> None:
    verdicts = [verdict for lines in loaded.first.values() for _, _, verdict, _ in lines.values()]
    assert (len(verdicts), verdicts.count("ok"), verdicts.count("explained")) == (84, 73, 11)
    assert loaded.first == {account.name: loaded.compared(account) for account in loaded.workspace.config.accounts}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_changed_number_is_found(loaded: Loaded, case: Case) -> None:
    account, before = loaded.account(case.account), loaded.first[case.account]
    with loaded.arrived(account, loaded.batch(account, case.stream), case.change) as (more_told, more_loaded):
        found = loaded.compared(account)
    changed = {}
    for against in case.against:
        line = (DAY, case.measure, against)
        told, added = before[line][0] + more_told, before[line][1] + more_loaded
        assert told != added
        changed[line] = (told, added, "unexplained", None)
    assert {line: told for line, told in found.items() if told[2] == "unexplained"} == changed
    verdicts = {line: told[2] for line, told in before.items()}
    assert {line: told[2] for line, told in found.items()} == {**verdicts, **dict.fromkeys(changed, "unexplained")}


def test_what_is_found_stands_in_the_books(loaded: Loaded) -> None:
    case = next(case for case in CASES if len(case.against) > 2)
    account = loaded.account(case.account)
    with loaded.arrived(account, loaded.batch(account, case.stream), case.change):
        loaded.load(account)
        assert loaded.lines() == {**loaded.first, case.account: loaded.compared(account)}
    assert len(loaded.product.read_unexplained()) == len(case.against)
    loaded.load(account)
    assert loaded.lines() == loaded.first
    assert loaded.product.read_unexplained() == []


def test_every_comparison_is_put_to_the_test(loaded: Loaded) -> None:
    providers = {account.name: account.provider for account in loaded.workspace.config.accounts}
    made = {(providers[name], line[1], line[2]) for name, lines in loaded.first.items() for line in lines}
    assert made == {(providers[case.account], case.measure, against) for case in CASES for against in case.against}


def test_a_damaged_batch_leaves_its_slices_as_they_were(loaded: Loaded) -> None:
    account, before = loaded.account("acme-docs"), loaded.product.read_all_views()
    batch = loaded.batch(account, "conversations")
    whole = batch.path.read_bytes()
    middle = len(whole) // 2
    batch.path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    [outcome] = load_landed_batches(loaded.workspace, [LoadJob(account, tuple(DAYS))], LONG_AGO).outcomes
    batch.path.write_bytes(whole)
    [sentence] = outcome.errors
    assert sentence.startswith("acme-docs (inkeep.conversations)")
    assert "cannot be read back" in sentence
    assert loaded.product.read_all_views() == before
    assert loaded.lines() == loaded.first
    assert {row.error for row in loaded.workspace.store.ledger("acme-docs")} == {sentence}
    loaded.load(account)
    assert {row.error for row in loaded.workspace.store.ledger("acme-docs")} == {None}
