"""What the views hold of a Chatlayer account, by docs/mapping.md: its own version only, but all of its team's bots.

From conversations only.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta

from sandbox.arithmetic import count_by_bin, top_members
from sandbox.conversations import Conversation
from sandbox.truth_rules import (
    Row,
    TruthQuery,
    conform_language_tag,
    conform_member,
    language_base,
    language_rows,
    metric_rows,
    sum_by_member,
)

INSIGHT_METRICS = {
    "num_conversations": "users_by_conversations",
    "duration_seconds": "conversations_by_duration",
    "num_messages": "conversations_by_messages",
}


def _items(ask: TruthQuery) -> list[Conversation]:
    return [item for item in ask.conversations if item.version == ask.account.version]


def conversation_daily(ask: TruthQuery) -> Iterable[Row]:
    """One row; distinct users are those of a UTC day, so they are unknown in any other zone."""
    items = _items(ask)
    users = len({item.user for item in items}) if ask.account.timezone == "UTC" else None
    yield {
        "conversations": ask.value_if_pulled("conversations", len(items)),
        "messages": ask.value_if_pulled("messages", sum(item.messages for item in items)),
        "unique_users": ask.value_if_pulled("users", users),
    }


def channel_daily(ask: TruthQuery) -> Iterable[Row]:
    """Conversations per channel type."""
    if "conversations_by_channel" not in ask.streams:
        return
    for code, number in sum_by_member((item.channel, 1) for item in _items(ask)).items():
        yield {
            "channel_code": code,
            "is_test": False,
            "conversations": number,
            "messages": None,
            "interactions": None,
            "call_duration_seconds": None,
        }


def language_daily(ask: TruthQuery) -> Iterable[Row]:
    """Conversations per language tag."""
    return language_rows(item.language for item in _items(ask)) if "conversations_by_language" in ask.streams else []


def intent_daily(ask: TruthQuery) -> Iterable[Row]:
    """Every intent of the day, all pages, with the rank that was told."""
    if "intents" not in ask.streams:
        return
    counted = Counter(name for item in _items(ask) for name in item.intents)
    for rank, (name, hits) in enumerate(top_members(counted, len(counted)), 1):
        yield {"intent": name, "hits": hits, "rank": rank, "is_top_n": False}


def metric_daily(ask: TruthQuery) -> Iterable[Row]:
    """Messages by kind, and the three distributions."""
    items = _items(ask)
    if "messages" in ask.streams:
        said = sum(item.user_messages for item in items)
        yield from metric_rows("messages_by_kind", {"user": said, "bot": sum(item.messages for item in items) - said})
    if "insights" in ask.streams:
        for stat, name in INSIGHT_METRICS.items():
            yield from metric_rows(name, count_by_bin(stat, items))


def team_daily(ask: TruthQuery) -> Iterable[Row]:
    """All bots of the team, DRAFT and LIVE, on the UTC day of that date."""
    team = ask.account.ids.get("team_id")
    if not team or "team_usage" not in ask.streams:
        return
    start = datetime.combine(ask.day, time(), UTC)
    counted = Counter(
        (conform_member(item.bot_id), item.version, conform_member(item.channel), conform_language_tag(item.language))
        for item in ask.world.team_conversations(team, start, start + timedelta(days=1))
    )
    for (bot, version, channel, tag), number in counted.items():
        yield {
            "bot_id": bot,
            "bot_version": version,
            "channel_code": channel,
            "language_code": tag,
            "language": language_base(tag),
            "conversations": number,
        }


def flow_transition(ask: TruthQuery) -> Iterable[Row]:
    """The transitions of the account's `conversation_ids` whose instant lies in the local day."""
    if "flow" not in ask.streams:
        return
    for wanted in ask.conversation_ids:
        item = ask.world.find_conversation(ask.account.name, wanted)
        if item is None or item.version != ask.account.version:
            continue
        for move in item.flow:
            if move.at.astimezone(ask.account.zone).date() == ask.day:
                yield {
                    "conversation_id": item.id,
                    "transition_id": move.id,
                    "from_step_id": move.from_id,
                    "from_step_type": move.from_type,
                    "to_step_id": move.to_id,
                    "to_step_type": move.to_type,
                    "depth": move.depth,
                    "at": move.at,
                }


RULES: dict[str, Callable[[TruthQuery], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "channel_daily": channel_daily,
    "language_daily": language_daily,
    "intent_daily": intent_daily,
    "metric_daily": metric_daily,
    "team_daily": team_daily,
    "flow_transition": flow_transition,
}
