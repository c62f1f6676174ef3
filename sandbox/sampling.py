"""Random draws that the vendors' `populate` modules share.

No pool of values (`sandbox/sample_values.py`) and no vendor's own value. The order of draws is part of the world:
another order gives other conversations.
"""

from datetime import timedelta
from random import Random
from typing import TypeVar

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.profile import Pool, Weighted
from sandbox.sample_values import END_REASONS, INTENTS

T = TypeVar("T")


def pick_skewed(rng: Random, pool: Pool[T]) -> T:
    """Return a member of the pool, by its weights; of a tuple, the earlier members come up more often."""
    if isinstance(pool, Weighted):
        return pool.pick(rng.random())
    return pool[int(len(pool) * rng.random() ** 1.6)]


def pick_evenly(rng: Random, pool: Pool[T]) -> T:
    """Return a member of the pool, by its weights; of a tuple, all members come up equally often."""
    return pool.pick(rng.random()) if isinstance(pool, Weighted) else rng.choice(pool)


def list_members(pool: Pool[T]) -> tuple[T, ...]:
    """Return the members of a pool, in its order."""
    return pool.members if isinstance(pool, Weighted) else pool


def pick_intents(rng: Random, account: SandboxAccount, *, repeat: bool = False) -> tuple[str, ...]:
    """Return up to two intents. With `repeat`, half of the pairs name their first intent a second time."""
    chosen = tuple(pick_skewed(rng, account.pool("intents", INTENTS)) for _ in range(rng.randrange(0, 3)))
    if len(chosen) == 2 and chosen[0] == chosen[1]:
        return chosen[:1]
    return (*chosen, chosen[0]) if repeat and len(chosen) == 2 and rng.random() < 0.5 else chosen


def make_call(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Turn a conversation into a call of up to ten minutes; one in twenty lasts 0 ms."""
    item.is_call = True
    item.call_ms = rng.randrange(0, 600_000) if rng.random() < 0.95 else 0
    item.ended_at = item.started_at + timedelta(milliseconds=item.call_ms)
    item.end_reason = pick_skewed(rng, account.pool("end_reasons", END_REASONS))
