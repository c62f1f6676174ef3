"""One account's conversations of one local day, invented from a seed: the only source of every response and truth.

No HTTP, no aggregation, and no vendor's own values (`sandbox/<provider>/populate.py`). The same seed, account and day
give the same conversations on any machine.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from random import Random
from zoneinfo import ZoneInfo

from sandbox.account import SandboxAccount
from sandbox.profile import MILLISECOND
from sandbox.vendors import get_vendor

DAY_MILLISECONDS = 86_400_000
WEEK_RHYTHM = (1.0, 1.1, 1.05, 1.0, 0.9, 0.45, 0.35)


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
    """One conversation with the values of any vendor. Instants are UTC with milliseconds; `cost` is in USD.

    A vendor's `populate` sets the fields that its API reports; the others keep their defaults.
    """

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
    """Return the first instant of a local day of the zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def make_seeded_random(*key: object) -> Random:
    """Return a random source that depends only on the key, on any machine."""
    digest = blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest, "big"))


def generate_conversations(
    account: SandboxAccount, day: date, seed: int, salt: str = "", count: int | None = None
) -> list[Conversation]:
    """Return the day's conversations in order of start.

    Args:
        account: the account; nothing happens before its `start_date`.
        day: a local day of the account.
        seed: of the world.
        salt: distinguishes later additions from the first generation.
        count: the number of conversations. By default it follows the weekly rhythm, a quiet day has none, and there is
            a conversation in the first and in the last millisecond of the day and on both sides of UTC midnight. An
            account with a profile has the number and the hours of its profile instead.
    """
    if day < account.start_date:
        return []
    rng = make_seeded_random(seed, account.name, day, salt)
    start, end = midnight(day, account.zone), midnight(day + timedelta(days=1), account.zone)
    length_ms = (end - start) // MILLISECOND
    profile = account.profile
    if profile is not None:
        account = account.on_day(day)
        if count is None:
            count = profile.draw_count(rng, account.daily_conversations, day)
        offsets = profile.draw_offsets(rng, account.zone, day, count)
    elif count is None:
        if rng.random() < account.quiet_share:
            return []
        count = max(2, int(account.daily_conversations * WEEK_RHYTHM[day.weekday()] * rng.uniform(0.7, 1.3)))
        offsets = _draw_offsets(rng, account, start, length_ms, count)
    else:
        offsets = sorted(rng.randrange(length_ms) for _ in range(count))
    prefix = f"{day:%y%m%d}{salt}"
    return [
        _build_conversation(
            rng, account, f"{prefix}-{index:04d}-{rng.getrandbits(32):08x}", start + offset * MILLISECOND
        )
        for index, offset in enumerate(offsets)
    ]


def _draw_offsets(rng: Random, account: SandboxAccount, start: datetime, length_ms: int, count: int) -> list[int]:
    """Return the start of each conversation in milliseconds after the start of the day, ascending."""
    offsets = [0, length_ms - 1]
    since_utc_midnight = (start - datetime.combine(start.date(), time(), UTC)) // MILLISECOND
    if since_utc_midnight and DAY_MILLISECONDS - since_utc_midnight < length_ms:
        utc_midnight = DAY_MILLISECONDS - since_utc_midnight
        offsets += [utc_midnight - 1, utc_midnight]
    offsets += [min(length_ms - 1, int(rng.triangular(0, length_ms, length_ms * 0.55))) for _ in range(count - 2)]
    if account.burst_size:
        offsets += [length_ms // 2] * account.burst_size
    return sorted(offsets)


def _build_conversation(rng: Random, account: SandboxAccount, key: str, at: datetime) -> Conversation:
    user_messages = rng.randrange(0, 12) if rng.random() < 0.95 else rng.randrange(40, 90)
    messages = user_messages + 1 + rng.randrange(0, user_messages + 2)
    item = Conversation(
        id=f"{account.name}-{key}",
        started_at=at,
        ended_at=at + timedelta(milliseconds=rng.randrange(0, 20_000) * (messages + 1)),
        messages=messages,
        user_messages=user_messages,
        interactions=user_messages + rng.randrange(0, 3),
        user=f"user-{rng.randrange(account.daily_conversations * 3)}",
    )
    get_vendor(account.provider).populate(rng, account, item)
    return item
