"""The accounts whose answers are changed, each with its answers in memory and the facts that they become unchanged."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet

from extractors.account import Account
from extractors.fetch import fetch_batch
from extractors.http.client import Client
from extractors.http.settings import HttpSettings
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.registry import get_provider
from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.fuzz.answers import Exchange, RecordedAnswers, Replacements
from tests.support.clock import FakeClock
from tests.support.provider_account import build_provider_account
from transforms.chunk import Chunk, DayClaim
from transforms.facts import TransformResult
from transforms.registry import transform_chunk

SEED = 7
DAYS = Window(date(2025, 3, 11), date(2025, 3, 13))
ONE_DAY = Window(date(2025, 3, 11), date(2025, 3, 12))
MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
PRIVACY = {"key": "fake-key-of-pseudonyms", "message_texts": "keep", "properties": "keep"}
REPORTS = ["channels", "overview_report", "channel_report", "inbox"]
COUNTERS = ["conversation_counter", "call_counter", "knowledge_query_counter"]
_IN_MEMORY = "/dev/shm"
ONE_TRY = HttpSettings(max_attempts=1, breaker_threshold=99)


@dataclass(frozen=True)
class SubjectPlan:
    """An account, its days and the shapes of its answers. ``zone`` is that of its days."""

    name: str
    provider: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    window: Window = DAYS
    daily: int = 14
    zone: str = "UTC"
    only_streams: tuple[str, ...] = ()


PLANS = (
    SubjectPlan("cognigy", "cognigy", {"streams": COUNTERS}, window=MARCH),
    SubjectPlan(
        "cognigy-zeros", "cognigy", {"streams": COUNTERS}, {"cognigy_empty_days": "zero"}, MARCH, 5, "Europe/Berlin"
    ),
    SubjectPlan("chatdash", "chatdash"),
    SubjectPlan(
        "chatdash-counts", "chatdash", {}, {"chatdash_totals": "one_count", "money": "string"}, zone="Europe/Berlin"
    ),
    SubjectPlan("chatlayer", "chatlayer", {"streams": [*get_provider("chatlayer").streams]}, daily=9),
    SubjectPlan(
        "chatlayer-labels",
        "chatlayer",
        {
            "streams": [
                "conversations",
                "conversations_by_channel",
                "conversations_by_language",
                "messages",
                "users",
                "team_usage",
            ]
        },
        {
            "chatlayer_labels": "series_labels",
            "chatlayer_int64": "number",
            "chatlayer_zeros": "keep",
            "chatlayer_x_values": "epoch_s",
        },
    ),
    SubjectPlan(
        "chatlayer-hours",
        "chatlayer",
        {"streams": ["conversations", "conversations_by_channel", "messages", "insights", "intents"]},
        {"chatlayer_buckets": "sparse", "chatlayer_labels": "labels"},
        zone="Europe/Berlin",
    ),
    SubjectPlan("chatcaptain", "chatcaptain", {"streams": REPORTS}, window=ONE_DAY),
    SubjectPlan(
        "chatcaptain-lists",
        "chatcaptain",
        {"streams": REPORTS},
        {
            "report_keys": "id",
            "scalars": "value",
            "breakdowns": "list",
            "intervals": "map",
            "channels_envelope": True,
            "inbox_values": "value",
        },
        ONE_DAY,
        14,
        "Europe/Berlin",
    ),
    SubjectPlan(
        "chatcaptain-export", "chatcaptain", {"streams": ["overview_report", "export"]}, only_streams=("export",)
    ),
    SubjectPlan(
        "chatcaptain-totals",
        "chatcaptain",
        {"streams": ["export"]},
        {"csv_grain": "total", "csv_delimiter": ";", "csv_times": "local"},
        daily=5,
        zone="Europe/Berlin",
    ),
    SubjectPlan("inkeep", "inkeep", daily=20),
    SubjectPlan(
        "inkeep-pages",
        "inkeep",
        {},
        {"inkeep_page_size": 9, "inkeep_buckets": "instant"},
        daily=14,
        zone="Europe/Berlin",
    ),
    SubjectPlan("inkeep-totals", "inkeep", {"detail": False}),
)


@dataclass(frozen=True)
class Fetch:
    """One window of one stream, and the exchanges of its fetch."""

    stream: str
    window: Window
    exchanges: tuple[Exchange, ...]


@dataclass
class Subject:
    """An account with the answers of all its streams; ``transform_with`` fetches one window again."""

    plan: SubjectPlan
    account: Account
    sandbox: Sandbox
    root: Path
    runner: asyncio.Runner
    answers: RecordedAnswers = field(default_factory=RecordedAnswers)
    fetches: list[Fetch] = field(default_factory=list)
    claims: dict[tuple[str, Window], DayClaim] = field(default_factory=dict)
    baseline: TransformResult = field(init=False)

    def __post_init__(self) -> None:
        provider = get_provider(self.account.provider)
        for stream in self.account.enabled_streams:
            for window in provider.streams[stream].windows(self.account, self.plan.window):
                batch, exchanges = self._fetch(stream, window, {}, self.root / "landing")
                self.fetches.append(Fetch(stream, window, tuple(exchanges)))
                self.claims[stream, window] = DayClaim(batch, frozenset(window.days()))
        self.baseline = self._transform(self.claims, self.root / "staged")

    @property
    def changed_streams(self) -> list[str]:
        """The streams whose answers are changed."""
        streams = {fetch.stream for fetch in self.fetches if fetch.exchanges}
        return sorted(streams & {*self.plan.only_streams} if self.plan.only_streams else streams)

    def fetch_other_window(self, stream: str, window: Window) -> list[Exchange]:
        """Return the exchanges of a window that is not loaded."""
        folder = self.root / "other"
        return self._fetch(stream, window, {}, folder)[1]

    def transform_with(self, fetch: Fetch, replacements: Replacements) -> TransformResult:
        """Return the facts when some requests of one window are answered otherwise.

        Raises what the fetch or the transform raises.
        """
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            batch, _ = self._fetch(fetch.stream, fetch.window, replacements, Path(folder) / "landing")
            claim = DayClaim(batch, self.claims[fetch.stream, fetch.window].days)
            return self._transform({**self.claims, (fetch.stream, fetch.window): claim}, Path(folder) / "staged")

    def _fetch(
        self, stream: str, window: Window, replacements: Replacements, folder: Path
    ) -> tuple[Batch, list[Exchange]]:
        provider = get_provider(self.account.provider)

        async def run() -> Batch:
            async with Client(ONE_TRY, FakeClock()) as client:
                session = client.open_session(self.account, provider.limits)
                return await fetch_batch(LandingZone(folder), session, stream, provider.streams[stream], window)

        with self.answers.replay(replacements) as log:
            return self.runner.run(run()), log

    def _transform(self, claims: Mapping[tuple[str, Window], DayClaim], scratch: Path) -> TransformResult:
        scratch.mkdir(parents=True)
        by_stream: dict[str, tuple[DayClaim, ...]] = dict.fromkeys(self.account.enabled_streams, ())
        for (stream, _), claim in claims.items():
            by_stream[stream] += (claim,)
        chunk = Chunk(self.account, tuple(self.plan.window.days()), by_stream, scratch)
        staged = transform_chunk(chunk)
        return _read_into_memory(staged)


def _read_into_memory(staged: TransformResult) -> TransformResult:
    tables = {
        name: pyarrow.parquet.read_table(table) if isinstance(table, Path) else table
        for name, table in staged.tables.items()
    }
    return replace(staged, tables=tables)


@contextmanager
def open_subject(plan: SubjectPlan) -> Iterator[Subject]:
    """Start a sandbox with the account and fetch its streams."""
    bot = {"team_id": "t1"} if plan.provider == "chatlayer" else {}
    sandbox_account = SandboxAccount("acme", plan.provider, plan.zone, bot, daily_conversations=plan.daily)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(World(SEED, [sandbox_account]), ResponseShapes(**plan.shapes)))
        root = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_IN_MEMORY if Path(_IN_MEMORY).is_dir() else None))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        settings = {"privacy": PRIVACY, "rate_limit": {"requests": 10**9, "period_seconds": 1}, **plan.settings}
        account = build_provider_account(sandbox, sandbox_account, **settings)
        yield Subject(plan, account, sandbox, root, stack.enter_context(asyncio.Runner()))
