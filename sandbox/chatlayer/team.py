"""The conversations of a Chatlayer team: of the world's accounts in it, and of one bot that is no account of the world.

The team endpoint and the truth of `team_daily` both read them. No HTTP.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation, generate_conversations

if TYPE_CHECKING:  # the world imports the vendors' declarations, which import this module
    from sandbox.world import World


def iterate_team_conversations(world: "World", team_id: str, start: datetime, end: datetime) -> Iterator[Conversation]:
    """Yield the conversations of all bots and versions of a team with start <= started_at < end."""
    for account in world.accounts.values():
        if account.ids.get("team_id") == team_id:
            yield from world.conversations_between(account.name, start, end)
    now = world.clock()
    day = start.astimezone(UTC).date()
    while day <= min(end, now).astimezone(UTC).date():
        for item in _generate_foreign_conversations(team_id, day, world.seed):
            if start <= item.started_at < end and item.started_at <= now:
                yield item
        day += timedelta(days=1)


@lru_cache(maxsize=4096)
def _generate_foreign_conversations(team_id: str, day: date, seed: int) -> list[Conversation]:
    """Return the conversations of a UTC day of a bot that is in the team, but is no account of the world."""
    bot = SandboxAccount(
        f"ghost-{team_id}", "chatlayer", "UTC", {"bot_id": f"ghost-bot-{team_id}"}, daily_conversations=12
    )
    return generate_conversations(bot, day, seed)
