"""Totals that do not add up are found: one number is changed in a landed answer, and exactly that comparison says so.

The answers of ten days are the sandbox's; the changed one arrives later as a valid batch, and everything is replayed.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from extractors.accounts import Account
from extractors.answers import Answer, Asked
from extractors.batches import Batch, BatchKey, newest_by_day
from pipelines import config as configuration
from pipelines.observers import Quiet
from pipelines.runs import Job, RunResult, replay
from pipelines.workspace import Workspace
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.product import Product, days_from

DAYS = days_from(date(2025, 10, 20), 10)
DAY = date(2025, 10, 28)
ARRIVAL = datetime(2027, 1, 1, tzinfo=UTC)

Deltas = tuple[int, int]
"""How much more is told, and how much more is loaded."""
Change = Callable[[bytes, Mapping[str, Any]], tuple[bytes, Deltas] | None]
"""An answer and its context to the changed answer; None for an answer that is left as it is."""
Line = tuple[date, str, str, str]
Lines = dict[Line, tuple[Decimal, Decimal, Decimal, str]]


def in_json(change: Callable[[Any], Deltas | None]) -> Change:
    """A change of the parsed answer, in place."""

    def changed(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
        value = json.loads(body)
        deltas = change(value)
        return None if deltas is None else (json.dumps(value).encode(), deltas)

    return changed


def _item(told: Any) -> Any:
    return next(item for item in told["items"] if (item["month"], item["day"]) == (DAY.month, DAY.day))


def fewer_in_all(told: Any) -> Deltas:
    item = _item(told)
    split = sum(entry["conversations"] for entry in item["perChannel"])
    before, item["conversations"] = item["conversations"], split - 1
    return split - 1 - before, split - before


def more_in_a_channel(told: Any) -> Deltas:
    item = _item(told)
    item["perChannel"][0]["conversations"] += 100
    split = sum(entry["conversations"] for entry in item["perChannel"])
    return 0, split - item["conversations"]


def more_from_a_country(told: Any) -> Deltas:
    told["conversationsByCountry"][0]["value"] += 1000
    return 0, 1000


def one_more(field: str, by: int = 1) -> Callable[[Any], Deltas]:
    """Of a daily aggregate of Inkeep's."""

    def change(told: Any) -> Deltas:
        row = next(row for row in told["data"]["result"] if row["firstMessageTime_day"] == DAY.isoformat())
        row[field] += by
        return by, 0

    return change


def more_messages_in_a_row(told: Any) -> Deltas | None:
    rows = [row for row in told["data"]["result"] if row["firstMessageTime"].startswith(DAY.isoformat())]
    if not rows:
        return None  # one of the other halves of the window
    rows[0]["userMessageCount"] += 3
    return 0, 3


def more_in_a_serie(told: Any, **labels: str) -> Deltas:
    """Of the first serie with these labels that tells anything."""
    data = told["data"]
    at = next(index for index, x in enumerate(data["x_values"]) if x.startswith(DAY.isoformat()))
    series = (serie for serie in data["series"] if labels.items() <= serie.get("labels", {}).items())
    serie = next(serie for serie in series if "values" in serie)
    serie["values"][at] = str(int(serie["values"][at]) + 2)
    return 0, 2


def more_of_a_member(component: str) -> Callable[[Any], Deltas]:
    def change(told: Any) -> Deltas:
        told[component]["web"] += 2
        return 0, 2

    return change


def more_in_a_bucket(component: str) -> Callable[[Any], Deltas | None]:
    def change(told: Any) -> Deltas | None:
        if isinstance(told, list):
            return None  # the list of channels
        told[component][5]["count"] += 2
        return 0, 2

    return change


def more_messages_in_a_channel(body: bytes, context: Mapping[str, Any]) -> tuple[bytes, Deltas] | None:
    """Both the channel's number and its interval: the answer agrees with itself, and not with the overview."""
    if context.get("channel_id") != "ch-web-1":
        return None
    told = json.loads(body)
    told["MESSAGE_COUNT_FOR_CHANNEL_ID"] += 4
    told["MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID"][0]["count"] += 4
    return json.dumps(told).encode(), (0, 4)


def in_lines(change: Callable[[list[dict[str, str]]], Deltas]) -> Change:
    """A change of the export's lines of the day."""

    def changed(body: bytes, _context: Mapping[str, Any]) -> tuple[bytes, Deltas]:
        lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        deltas = change(lines)
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue().encode(), deltas

    return changed


def _line(lines: list[dict[str, str]]) -> dict[str, str]:
    afternoon = tuple(f"{DAY}T{hour}" for hour in range(12, 18))  # of UTC: that day in all zones of these tests
    return next(line for line in lines if line["startedAt"].startswith(afternoon) and line["channelType"] == "web")


def a_silent_line_more(lines: list[dict[str, str]]) -> Deltas:
    lines.append({**_line(lines), "conversationId": "invented", "messages": "0"})
    return 0, 1


def more_messages_in_a_line(lines: list[dict[str, str]]) -> Deltas:
    line = _line(lines)
    line["messages"] = str(int(line["messages"]) + 7)
    return 0, 7


@dataclass(frozen=True)
class Case:
    """One comparison of docs/mapping.md, and a change that must show in it."""

    account: str
    stream: str
    change: Change
    measure: str
    against: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.account}, {self.stream}: {self.measure} and {', '.join(self.against)}"


def _bucket(stream: str, component: str, measure: str) -> Case:
    return Case("globex-voice", stream, in_json(more_in_a_bucket(component)), measure, (component,))


def _total(account: str, stream: str, key: str, measure: str, *against: str) -> Case:
    def change(told: Any) -> Deltas:
        told[key] += 6
        return 6, 0

    return Case(account, stream, in_json(change), measure, against)


def _more_conversations(told: Any) -> Deltas:
    more_in_a_serie(told)
    return 2, 0


CASES = (
    Case("acme-support", "conversation_counter", in_json(fewer_in_all), "conversations", ("channel_daily",)),
    Case("globex-support", "conversation_counter", in_json(more_in_a_channel), "conversations", ("channel_daily",)),
    Case("acme-sales", "analytics", in_json(more_from_a_country), "conversations", ("country_daily",)),
    Case("acme-bot", "conversations_by_channel", in_json(more_in_a_serie), "conversations", ("channel_daily",)),
    Case("acme-bot", "conversations_by_language", in_json(more_in_a_serie), "conversations", ("language_daily",)),
    Case(
        "acme-bot",
        "team_usage",
        in_json(lambda told: more_in_a_serie(told, bot_id="b1", bot_version="LIVE")),
        "conversations",
        ("team_daily",),
    ),
    Case(
        "acme-bot",
        "conversations",
        in_json(_more_conversations),
        "conversations",
        ("channel_daily", "language_daily", "team_daily"),
    ),
    Case(
        "acme-voice",
        "overview_report",
        in_json(more_of_a_member("CONVERSATION_BY_CHANNEL_TYPE")),
        "conversations",
        ("channel_daily",),
    ),
    Case("acme-voice", "export", in_lines(a_silent_line_more), "conversations", ("export",)),
    Case("globex-voice", "export", in_lines(more_messages_in_a_line), "messages", ("export",)),
    Case("globex-voice", "channel_report", more_messages_in_a_channel, "messages", ("channel_daily",)),
    _bucket("overview_report", "CONVERSATION_COUNT_INTERVAL", "conversations"),
    _bucket("overview_report", "MESSAGE_COUNT_INTERVAL", "messages"),
    _bucket("overview_report", "INTERACTION_COUNT_INTERVAL", "interactions"),
    _bucket("channel_report", "CONVERSATION_COUNT_INTERVAL_FOR_CHANNEL_ID", "conversations"),
    _bucket("channel_report", "INTERACTION_COUNT_INTERVAL_FOR_CHANNEL_ID", "interactions"),
    _bucket("channel_report", "MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID", "messages"),
    _total(
        "globex-voice",
        "overview_report",
        "CONVERSATION_COUNT",
        "conversations",
        "channel_daily",
        "export",
        "CONVERSATION_COUNT_INTERVAL",
    ),
    _total(
        "globex-voice",
        "overview_report",
        "MESSAGE_COUNT",
        "messages",
        "channel_daily",
        "export",
        "MESSAGE_COUNT_INTERVAL",
    ),
    Case("acme-docs", "conversation_totals", in_json(one_more("count")), "conversations", ("conversation",)),
    Case(
        "acme-docs",
        "conversation_totals",
        in_json(one_more("sum_userMessageCount", 5)),
        "user_messages",
        ("conversation",),
    ),
    Case("acme-docs", "conversations", in_json(more_messages_in_a_row), "user_messages", ("conversation",)),
)


@dataclass
class Loaded:
    """The demo's accounts, loaded, and what can be done to a landed batch."""

    product: Product
    workspace: Workspace
    arrivals: int = 0

    def account(self, name: str) -> Account:
        return next(account for account in self.workspace.config.accounts if account.name == name)

    def batch(self, account: Account, stream: str) -> Batch:
        batches = self.workspace.landing.batches(account.provider, account.name, stream)
        return newest_by_day(batches, [DAY], account.external_id, account.timezone)[DAY]

    def arrive(self, account: Account, batch: Batch, change: Change) -> Deltas:
        """Land the batch anew, with the first answer changed that the change is about."""
        self.arrivals += 1
        at = ARRIVAL + timedelta(minutes=self.arrivals)
        key = BatchKey(
            account.provider, account.name, batch.stream, account.external_id, account.timezone, batch.window
        )
        deltas: Deltas | None = None
        with self.workspace.landing.writer(key) as writer:
            for part, body in batch.bodies():
                changed = None if deltas else change(body, part.context)
                told, deltas = changed or (body, deltas)
                writer.add(Answer(Asked(**part.asked), part.status, part.headers, at, told, part.context))
            writer.finish(at, facts=batch.manifest["facts"])
        assert deltas
        return deltas

    def arrive_again(self, account: Account, batch: Batch) -> None:
        """Land the batch anew as it was."""
        self.arrive(account, batch, lambda body, _: (body, (0, 1)))

    def replay(self, account: Account) -> RunResult:
        return replay(self.workspace, [Job(account, tuple(DAYS))], Quiet())

    def lines(self) -> dict[str, Lines]:
        """The reconciliation of each account."""
        found: dict[str, Lines] = {account.name: {} for account in self.workspace.config.accounts}
        for row in self.workspace.store.read("SELECT * FROM reconciliation").to_pylist():
            line = (row["date"], row["account"], row["measure"], row["against"])
            assert line not in found[row["account"]]
            found[row["account"]][line] = (row["told"], row["loaded"], row["difference"], row["verdict"])
        return found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The demo's accounts, but for a team of the bot and a chatbot whose channels are all listed."""
    others = {"acme-bot": {"ids": {"bot_id": "b1", "team_id": "t1"}}}
    accounts = []
    for account in DEMO_ACCOUNTS:
        listed = tuple(channel for channel in account.channels if channel.listed)
        if account.name == "globex-voice":
            others[account.name] = {"channels": listed}  # type: ignore[dict-item]
        accounts.append(replace(account, **others.get(account.name, {})))  # type: ignore[arg-type]
    folder = tmp_path_factory.mktemp("reconciled")
    with Sandbox(World(7, accounts)) as sandbox:
        product = Product(folder, sandbox, accounts)
        assert product.load(DAYS).ok
    return Loaded(product, Workspace.open(configuration.load(folder / "chatmart.yaml")))


def test_nothing_is_unexplained(loaded: Loaded) -> None:
    verdicts = [told[3] for lines in loaded.lines().values() for told in lines.values()]
    assert (len(verdicts), verdicts.count("ok"), verdicts.count("explained")) == (280, 243, 37)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_changed_number_is_found(loaded: Loaded, case: Case) -> None:
    before, account = loaded.lines(), loaded.account(case.account)
    batch = loaded.batch(account, case.stream)
    more_told, more_loaded = loaded.arrive(account, batch, case.change)
    try:
        assert loaded.replay(account).ok
        after = loaded.lines()
    finally:
        loaded.arrive_again(account, batch)
        assert loaded.replay(account).ok
    expected = dict(before[case.account])
    for against in case.against:
        line = (DAY, case.account, case.measure, against)
        told, added = before[case.account][line][0] + more_told, before[case.account][line][1] + more_loaded
        assert told != added
        expected[line] = (told, added, told - added, "unexplained")
    unexplained = {line: told for lines in after.values() for line, told in lines.items() if told[3] == "unexplained"}
    assert unexplained == {line: told for line, told in expected.items() if told[3] == "unexplained"}
    assert _verdicts(after) == _verdicts({**before, case.account: expected})
    assert loaded.lines() == before


def _verdicts(lines: Mapping[str, Lines]) -> dict[Line, str]:
    return {line: told[3] for each in lines.values() for line, told in each.items()}


def test_every_comparison_is_put_to_the_test(loaded: Loaded) -> None:
    providers = {account.name: account.provider for account in loaded.workspace.config.accounts}
    made = {(providers[line[1]], line[2], line[3]) for lines in loaded.lines().values() for line in lines}
    assert made == {(providers[case.account], case.measure, against) for case in CASES for against in case.against}


def test_a_damaged_batch_leaves_its_slices_as_they_were(loaded: Loaded) -> None:
    before, lines = loaded.product.everything(), loaded.lines()
    account = loaded.account("acme-docs")
    batch = loaded.batch(account, "conversations")
    whole = batch.path.read_bytes()
    middle = len(whole) // 2
    batch.path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    result = loaded.replay(account)
    batch.path.write_bytes(whole)
    [outcome] = result.outcomes
    assert not result.ok
    [sentence] = outcome.errors
    assert sentence.startswith("acme-docs (inkeep.conversations)")
    assert "cannot be read back" in sentence
    assert loaded.product.everything() == before
    assert loaded.lines() == lines
    assert {row.error for row in loaded.workspace.store.ledger("acme-docs")} == {sentence}
    assert loaded.replay(account).ok
    assert {row.error for row in loaded.workspace.store.ledger("acme-docs")} == {None}
