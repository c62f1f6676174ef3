"""One account's conversations of one local day, invented from a seed: the single source of every answer and truth.

No HTTP and no aggregation. The same seed, account and day give the same conversations on any machine.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from sandbox import sample_values as names
from sandbox.accounts import CALL_CHANNEL_TYPES, TEST_CHANNEL_TYPE, SandboxAccount

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)
DAY_MILLISECONDS = 86_400_000
WEEK_RHYTHM = (1.0, 1.1, 1.05, 1.0, 0.9, 0.45, 0.35)
VOICE_CODES = CALL_CHANNEL_TYPES | {"voiceGateway2"}


@dataclass(slots=True)
class Transition:
    """One step of a flow; `at` is an instant in UTC."""

    id: str
    from_id: str
    from_type: str
    to_id: str
    to_type: str
    depth: int
    at: datetime


@dataclass(slots=True)
class Conversation:
    """One conversation. Instants are UTC with milliseconds, durations milliseconds, money decimal."""

    id: str
    started_at: datetime
    ended_at: datetime
    messages: int
    user_messages: int
    interactions: int
    user: str | int | None
    channel_id: str = ""
    channel: str = ""
    billable_units: int = 1
    language: str = ""
    country: str = ""
    ip: str = ""
    is_call: bool = False
    call_ms: int = 0
    end_reason: str = ""
    transfer_target: str = ""
    exit_step: str = ""
    intents: tuple[str, ...] = ()
    intent_score: Decimal | None = None
    understood_messages: int = 0
    missed_messages: int = 0
    classified_messages: int = 0
    misunderstood_texts: tuple[str, ...] = ()
    cost: Decimal = Decimal(0)
    tokens: tuple[tuple[str, int], ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    steps: tuple[str, ...] = ()
    message_length: int = 0
    knowledge_queries: int = 0
    type: str | None = None
    project_id: str | None = None
    integration_id: str | None = None
    user_field: str = "userId"
    properties: dict[str, object] | None = None
    bot_id: str = ""
    version: str = "LIVE"
    new_user: bool = False
    flow: tuple[Transition, ...] = ()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def seeded_random(*key: object) -> Random:
    """A random source that depends on nothing but the key."""
    digest = blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest, "big"))


def generate_conversations(
    account: SandboxAccount, day: date, seed: int, salt: str = "", count: int | None = None
) -> list[Conversation]:
    """The day's conversations in order of start.

    Args:
        account: whose traffic.
        day: a local day of the account.
        seed: of the world.
        salt: keeps later additions apart from the first generation.
        count: how many; by default the weekly rhythm says, a quiet day has none, and both edges of the day,
            to the millisecond, are taken.
    """
    if day < account.start_date:
        return []
    rng = seeded_random(seed, account.name, day, salt)
    start, end = midnight(day, account.zone), midnight(day + timedelta(days=1), account.zone)
    length = (end - start) // MILLISECOND
    if count is None:
        if rng.random() < account.quiet_share:
            return []
        count = max(2, int(account.daily_conversations * WEEK_RHYTHM[day.weekday()] * rng.uniform(0.7, 1.3)))
        offsets = _offsets(rng, account, start, length, count)
    else:
        offsets = sorted(rng.randrange(length) for _ in range(count))
    prefix = f"{day:%y%m%d}{salt}"
    return [
        _conversation(rng, account, f"{prefix}-{index:04d}-{rng.getrandbits(32):08x}", start + offset * MILLISECOND)
        for index, offset in enumerate(offsets)
    ]


def _offsets(rng: Random, account: SandboxAccount, start: datetime, length: int, count: int) -> list[int]:
    offsets = [0, length - 1]
    since_utc_midnight = (start - datetime.combine(start.date(), time(), UTC)) // MILLISECOND
    if since_utc_midnight and DAY_MILLISECONDS - since_utc_midnight < length:
        turn = DAY_MILLISECONDS - since_utc_midnight
        offsets += [turn - 1, turn]
    offsets += [min(length - 1, int(rng.triangular(0, length, length * 0.55))) for _ in range(count - 2)]
    if account.burst_size:
        offsets += [length // 2] * account.burst_size
    return sorted(offsets)


def _conversation(rng: Random, account: SandboxAccount, key: str, at: datetime) -> Conversation:
    said = rng.randrange(0, 12) if rng.random() < 0.95 else rng.randrange(40, 90)
    messages = said + 1 + rng.randrange(0, said + 2)
    item = Conversation(
        id=f"{account.name}-{key}",
        started_at=at,
        ended_at=at + timedelta(milliseconds=rng.randrange(0, 20_000) * (messages + 1)),
        messages=messages,
        user_messages=said,
        interactions=said + rng.randrange(0, 3),
        user=f"user-{rng.randrange(account.daily_conversations * 3)}",
    )
    _POPULATE[account.provider](rng, account, item)
    return item


def _skewed(rng: Random, pool: tuple[T, ...]) -> T:
    """A member of the pool, the earlier ones more often."""
    return pool[int(len(pool) * rng.random() ** 1.6)]


def _call(rng: Random, item: Conversation) -> None:
    item.is_call = True
    item.call_ms = rng.randrange(0, 600_000) if rng.random() < 0.95 else 0
    item.ended_at = item.started_at + timedelta(milliseconds=item.call_ms)
    item.end_reason = _skewed(rng, names.END_REASONS)


def _cognigy(rng: Random, _account: SandboxAccount, item: Conversation) -> None:
    item.channel = _skewed(rng, names.COGNIGY_CHANNELS)
    item.billable_units = 1 + item.messages // 40
    item.knowledge_queries = rng.randrange(0, 3)
    if item.channel in VOICE_CODES:
        _call(rng, item)


def _chatdash(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    if rng.random() < 0.3:
        _call(rng, item)
    item.country = _skewed(rng, names.COUNTRIES)
    item.ip = f"192.0.2.{rng.randrange(min(254, account.daily_conversations))}"
    item.cost = Decimal(rng.randrange(0, 400_000)).scaleb(-6)
    item.intents = _intents(rng)
    item.missed_messages = rng.randrange(0, 2) if item.user_messages else 0
    item.misunderstood_texts = tuple(rng.choice(names.MISUNDERSTOOD) for _ in range(item.missed_messages))
    item.understood_messages = max(0, item.user_messages - item.missed_messages - rng.randrange(0, 2))
    item.classified_messages = max(item.understood_messages + item.missed_messages, item.user_messages)
    item.tokens = tuple((_skewed(rng, names.MODELS), rng.randrange(1, 3000)) for _ in range(rng.randrange(0, 3)))
    item.topics = tuple({_skewed(rng, names.TOPICS) for _ in range(rng.randrange(0, 3))})


def _chatlayer(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    item.channel = _skewed(rng, names.CHATLAYER_CHANNELS)
    item.language = _skewed(rng, names.LANGUAGES)
    item.bot_id = account.external_id
    other = "DRAFT" if account.version == "LIVE" else "LIVE"
    item.version = other if rng.random() < 0.1 else account.version
    item.intents = _intents(rng)
    item.new_user = str(item.user).endswith(("0", "1", "2"))
    depth = rng.randrange(0, 4)
    item.flow = tuple(
        Transition(
            id=f"{item.id}-tr{index}",
            from_id=names.STEPS[index],
            from_type="bot-dialog" if index % 2 else "goto",
            to_id=names.STEPS[index + 1],
            to_type="user-input",
            depth=index,
            at=item.started_at + timedelta(milliseconds=index * 1500),
        )
        for index in range(depth)
    )


def _chatcaptain(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    channel = _skewed(rng, account.channels)
    item.channel_id, item.channel = channel.id, channel.type
    item.language = _skewed(rng, names.LANGUAGES)
    item.intents = _intents(rng, repeat=True)
    if item.intents:
        item.intent_score = Decimal(rng.randrange(0, 10_001)).scaleb(-4)
    item.steps = tuple(_skewed(rng, names.STEPS) for _ in range(rng.randrange(0, 4)))
    item.message_length = rng.randrange(1, 200)
    if item.channel in CALL_CHANNEL_TYPES:
        _call(rng, item)
        item.exit_step = _skewed(rng, names.STEPS)
        if item.end_reason == "transfer":
            item.transfer_target = rng.choice(names.TRANSFER_TARGETS)


def _inkeep(rng: Random, _account: SandboxAccount, item: Conversation) -> None:
    number = rng.randrange(40)
    item.user = (number, str(number), f"user-{number}", None)[rng.randrange(4)]
    item.user_field = "userId" if rng.random() < 0.7 else "id"
    item.type = rng.choice(names.INKEEP_TYPES)
    item.project_id = None if rng.random() < 0.2 else "prj-fake-1"
    item.integration_id = None if rng.random() < 0.2 else f"int-fake-{rng.randrange(3)}"
    if rng.random() < 0.6:
        item.properties = {"page": f"/docs/{rng.randrange(9)}", "nested": {"a": [1, None, "é"]}}


def _intents(rng: Random, *, repeat: bool = False) -> tuple[str, ...]:
    """Up to two intents; with `repeat` some name one of two intents twice."""
    chosen = tuple(_skewed(rng, names.INTENTS) for _ in range(rng.randrange(0, 3)))
    if len(chosen) == 2 and chosen[0] == chosen[1]:
        return chosen[:1]
    return (*chosen, chosen[0]) if repeat and len(chosen) == 2 and rng.random() < 0.5 else chosen


_POPULATE = {
    "cognigy": _cognigy,
    "chatdash": _chatdash,
    "chatlayer": _chatlayer,
    "chatcaptain": _chatcaptain,
    "inkeep": _inkeep,
}


def is_test(item: Conversation) -> bool:
    """Whether a ChatCaptain conversation is test traffic."""
    return item.channel == TEST_CHANNEL_TYPE
