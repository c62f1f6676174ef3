"""The truth of a Chatlayer account after docs/mapping.md: its own version only, but all bots of its team.

Computed from conversations only; no response is read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

from sandbox.arithmetic import count_by_bin, select_top_members
from sandbox.chatlayer.shapes import ChatlayerShapes
from sandbox.chatlayer.team import iterate_team_conversations
from sandbox.conversations import Conversation
from sandbox.truth_rules import (
    Row,
    Rule,
    TruthQuery,
    build_language_rows,
    build_metric_rows,
    conform_language_tag,
    conform_member,
    language_base,
    sum_by_member,
)

Query = TruthQuery[ChatlayerShapes]
INSIGHT_METRICS = {
    "num_conversations": "users_by_conversations",
    "duration_seconds": "conversations_by_duration",
    "num_messages": "conversations_by_messages",
}


def _select_items_of_version(query: Query) -> list[Conversation]:
    """Return the conversations of the version that the account reads."""
    return [item for item in query.conversations if item.version == query.account.version]


def compute_conversation_daily(query: Query) -> Iterable[Row]:
    """Yield one row. Distinct users are reported by UTC day, so they are unknown in any other time zone."""
    items = _select_items_of_version(query)
    users = len({item.user for item in items}) if query.account.timezone == "UTC" else None
    yield {
        "conversations": query.get_if_pulled("conversations", len(items)),
        "messages": query.get_if_pulled("messages", sum(item.messages for item in items)),
        "unique_users": query.get_if_pulled("users", users),
    }


def compute_channel_daily(query: Query) -> Iterable[Row]:
    """Yield conversations per channel type."""
    if "conversations_by_channel" not in query.streams:
        return
    for code, number in sum_by_member((item.channel, 1) for item in _select_items_of_version(query)).items():
        yield {
            "channel_code": code,
            "is_test": False,
            "conversations": number,
            "messages": None,
            "interactions": None,
            "call_duration_seconds": None,
        }


def compute_language_daily(query: Query) -> Iterable[Row]:
    """Return conversations per language tag."""
    return (
        build_language_rows(item.language for item in _select_items_of_version(query))
        if "conversations_by_language" in query.streams
        else []
    )


def compute_intent_daily(query: Query) -> Iterable[Row]:
    """Yield every intent of the day, of all pages, with the reported rank."""
    if "intents" not in query.streams:
        return
    counted = Counter(name for item in _select_items_of_version(query) for name in item.intents)
    for rank, (name, hits) in enumerate(select_top_members(counted, len(counted)), 1):
        yield {"intent": name, "hits": hits, "rank": rank, "is_top_n": False}


def compute_metric_daily(query: Query) -> Iterable[Row]:
    """Yield messages by kind and the three distributions."""
    items = _select_items_of_version(query)
    if "messages" in query.streams:
        user_messages = sum(item.user_messages for item in items)
        bot_messages = sum(item.messages for item in items) - user_messages
        yield from build_metric_rows("messages_by_kind", {"user": user_messages, "bot": bot_messages})
    if "insights" in query.streams:
        for stat, name in INSIGHT_METRICS.items():
            yield from build_metric_rows(name, count_by_bin(stat, items))


def compute_team_daily(query: Query) -> Iterable[Row]:
    """Yield the conversations of all bots of the team, DRAFT and LIVE, on the UTC day of that date."""
    team = query.account.ids.get("team_id")
    if not team or "team_usage" not in query.streams:
        return
    start = datetime.combine(query.day, time(), UTC)
    counted = Counter(
        (conform_member(item.bot_id), item.version, conform_member(item.channel), conform_language_tag(item.language))
        for item in iterate_team_conversations(query.world, team, start, start + timedelta(days=1))
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


def compute_flow_transition(query: Query) -> Iterable[Row]:
    """Yield the transitions of the account's `conversation_ids` whose instant is in the local day."""
    if "flow" not in query.streams:
        return
    for wanted in query.conversation_ids:
        item = query.world.find_conversation(query.account.name, wanted)
        if item is None or item.version != query.account.version:
            continue
        for move in item.flow:
            if move.at.astimezone(query.account.zone).date() == query.day:
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


RULES: Mapping[str, Rule[ChatlayerShapes]] = {
    "conversation_daily": compute_conversation_daily,
    "channel_daily": compute_channel_daily,
    "language_daily": compute_language_daily,
    "intent_daily": compute_intent_daily,
    "metric_daily": compute_metric_daily,
    "team_daily": compute_team_daily,
    "flow_transition": compute_flow_transition,
}
