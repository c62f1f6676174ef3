"""Chatlayer's answers to facts. Rules: docs/mapping.md, "Chatlayer". How a series is written: ``chatlayer_series``.

Numbers are those of the account's version of its bot; a team's usage, of all its bots, stays in its own table.
"""

from collections import Counter
from datetime import date
from typing import cast
from zoneinfo import ZoneInfo

from extractors.chatlayer.account import ChatlayerAccount
from extractors.chatlayer.contexts import FlowContext, TeamUsageContext
from transforms import conform
from transforms.chatlayer.fields import FIELDS
from transforms.chatlayer.series import (
    SERIES_SHAPE,
    iterate_daily_sums,
    optional_elements,
    optional_field,
    parse_series,
)
from transforms.chunk import Chunk, LandedResponse
from transforms.drift import Shape, flat_object
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from transforms.reading import Node
from transforms.registry import Transform

METRICS = (
    Metric("messages_by_kind", "messages", ADDITIVE, "Messages by kind, as the provider names its series."),
    Metric("users_by_conversations", "users", NOT_ADDITIVE, "Users of the day by how many conversations they had."),
    Metric("conversations_by_duration", "conversations", ADDITIVE, "Conversations by their length in seconds."),
    Metric("conversations_by_messages", "conversations", ADDITIVE, "Conversations by how many messages they have."),
)
INSIGHTS = {
    "num_conversations": "users_by_conversations",
    "duration_seconds": "conversations_by_duration",
    "num_messages": "conversations_by_messages",
}
INTENTS: Shape = {
    "data": flat_object("intent_id", "count", "rank"),
    "pagination": flat_object("end_cursor", "has_more"),
}
FLOW: Shape = {
    **dict.fromkeys(("bot_id", "conversation_id", "user_id")),
    "transitions": {
        **dict.fromkeys(("id", "depth", "timestamp")),
        **dict.fromkeys(("from_step", "to_step"), flat_object("id", "type")),
    },
}
KNOWN: dict[str, Shape] = {
    **dict.fromkeys(
        ("conversations", "conversations_by_channel", "conversations_by_language", "messages", "users"), SERIES_SHAPE
    ),
    **dict.fromkeys(("insights", "team_usage"), SERIES_SHAPE),
    "intents": INTENTS,
    "flow": FLOW,
}
LAST_RANK = 2**31 - 1

_UTC = ZoneInfo("UTC")
_FIRST_YEAR = 2000  # a gateway's empty time is the year 1 or 1970


def _run(chunk: Chunk, facts: Facts) -> None:
    _totals(chunk, facts)
    for answer in facts.drift.checking(chunk.responses("conversations_by_channel"), SERIES_SHAPE):
        for serie, sums in iterate_daily_sums(answer, chunk.zone):
            channel = serie.group_member("channel_type")
            for day, count in sums.items():
                facts.drift.record_unknown_channels(day, answer.where, [channel])
                facts.add("channel_daily", day, {"conversations": count}, channel_code=channel)
    for answer in facts.drift.checking(chunk.responses("conversations_by_language"), SERIES_SHAPE):
        for serie, sums in iterate_daily_sums(answer, chunk.zone):
            for day, count in sums.items():
                language = conform.normalize_language_code(serie.group_member("language"))
                facts.add("language_daily", day, {"conversations": count}, language_code=language)
    _insights(chunk, facts)
    _intents(chunk, facts)
    _reconcile(chunk, facts, _team_usage(chunk, facts))
    for answer in chunk.responses("flow"):
        flow_context: FlowContext = answer.context
        if flow_context["found"]:
            _flow(chunk, facts, answer)


def _totals(chunk: Chunk, facts: Facts) -> None:
    for answer in facts.drift.checking(chunk.responses("conversations"), SERIES_SHAPE):
        for day, total in _sums(answer, chunk.zone).items():
            facts.set("conversation_daily", day, {"conversations": total})
            facts.record_provider_total(day, "conversations", total)
    for answer in facts.drift.checking(chunk.responses("messages"), SERIES_SHAPE):
        for day, total in _sums(answer, chunk.zone).items():
            facts.set("conversation_daily", day, {"messages": total})
            facts.record_provider_total(day, "messages", total)
        for serie, sums in iterate_daily_sums(answer, chunk.zone):
            kind = serie.name()
            for day, count in sums.items() if kind else ():
                facts.record_metric(day, "messages_by_kind", count, kind)
    # distinct users of an hour cannot be added up: only buckets that are the account's days have an answer
    for answer in facts.drift.checking(chunk.responses("users"), SERIES_SHAPE):
        if answer.request["query"]["bucket"] == "1d":
            for day, total in _sums(answer, chunk.zone).items():
                facts.set("conversation_daily", day, {"unique_users": total})


def _sums(answer: LandedResponse, zone: ZoneInfo) -> Counter[date]:
    """All series of an answer together; a day without a bucket is zero."""
    total = Counter(dict.fromkeys(answer.days, 0))
    for _, sums in iterate_daily_sums(answer, zone):
        total.update(sums)
    return total


def _insights(chunk: Chunk, facts: Facts) -> None:
    for answer in facts.drift.checking(chunk.responses("insights"), SERIES_SHAPE):
        day = answer.claimed_day()
        if day is None:
            continue
        bins, series = parse_series(answer.root)
        counted: Counter[str] = Counter()
        for index, x in enumerate(bins):
            counted[x.member()] += sum(serie.values[index] for serie in series)
        for name, count in counted.items():
            facts.record_metric(day, INSIGHTS[answer.request["query"]["stat"]], count, name)


def _intents(chunk: Chunk, facts: Facts) -> None:
    """An intent on several pages is one: its hits are added up, its first place counts."""
    hits: Counter[tuple[date, str]] = Counter()
    ranks: dict[tuple[date, str], int] = {}
    for answer in facts.drift.checking(chunk.responses("intents"), INTENTS):
        day = answer.claimed_day()
        if day is None:
            continue
        for entry in optional_elements(optional_field(answer.root, "data", "pagination")):
            key = (day, entry["intent_id"].member())
            hits[key] += optional_field(entry, "count", "intent_id", "rank").count() or 0
            rank = entry["rank"].count() or 0
            if rank > LAST_RANK:
                entry["rank"].refuse("is not a place in a list")
            ranks[key] = min(ranks.get(key, rank), rank)
    for (day, intent), count in hits.items():
        told = {"hits": count, "rank": ranks[day, intent], "is_top_n": False}
        facts.set("intent_daily", day, told, intent=intent)


def _team_usage(chunk: Chunk, facts: Facts) -> Counter[date]:
    """Load the team's usage by UTC days; return what it tells of the account's own bot and version, by day."""
    account = _account(chunk)
    own: Counter[date] = Counter()
    for answer in facts.drift.checking(chunk.responses("team_usage"), SERIES_SHAPE):
        team_context: TeamUsageContext = answer.context
        if team_context["team_id"] != account.team_id:
            continue  # landed before the account came to another team
        own.update(dict.fromkeys(answer.days, 0))
        for serie, sums in iterate_daily_sums(answer, _UTC):
            bot, version, channel, language = map(
                serie.label_member, ("bot_id", "bot_version", "channel_type", "language")
            )
            for day, count in sums.items():
                facts.drift.record_unknown_channels(day, answer.where, [channel])
                facts.add(
                    "team_daily",
                    day,
                    {"conversations": count},
                    bot_id=bot,
                    bot_version=version,
                    channel_code=channel,
                    language_code=conform.normalize_language_code(language),
                )
                if (bot, version) == (account.bot_id, account.version):
                    own[day] += count
    return own


def _reconcile(chunk: Chunk, facts: Facts, own_usage: Counter[date]) -> None:
    breakdowns = {"conversations_by_channel": "channel_daily", "conversations_by_language": "language_daily"}
    for day in chunk.days:
        told = facts.value("conversation_daily", day, "conversations")
        for stream, table in breakdowns.items():
            if chunk.is_stream_enabled(stream):
                loaded = facts.total(table, day, "conversations")
                facts.reconcile(day, "conversations", table, told, loaded)
        if day in own_usage and _account(chunk).has_utc_days:
            facts.reconcile(day, "conversations", "team_daily", told, own_usage[day])


def _flow(chunk: Chunk, facts: Facts, answer: LandedResponse) -> None:
    """One conversation's transitions, each on the local day of its own instant."""
    context: FlowContext = answer.context
    conversation = context["conversation_id"]
    facts.drift.record_unknown_fields(answer, FLOW)
    told = answer.root["conversation_id"]
    if told.text() not in (None, "", conversation):
        told.refuse(f"is another conversation than {conversation}")
    transitions = (
        answer.root["transitions"] if told.value else optional_field(answer.root, "transitions", "bot_id", "user_id")
    )
    seen: dict[str, object] = {}
    for transition in optional_elements(transitions):
        name = transition["id"].required_text()
        if name in seen and seen[name] == transition.value:
            continue
        if name in seen:
            transition.refuse(f"tells {name} a second time, and otherwise")
        seen[name] = transition.value
        at = transition["timestamp"].instant()
        if at is None or at.year < _FIRST_YEAR:
            transition["timestamp"].refuse("is not the instant of a transition")
        day = chunk.local_day(at)
        if day not in answer.days:
            continue
        measures = {
            **_step(transition["from_step"], "from_step"),
            **_step(transition["to_step"], "to_step"),
            "depth": transition["depth"].count() or 0,
            "at": at,
        }
        facts.set("flow_transition", day, measures, conversation_id=conversation, transition_id=name)


def _step(step: Node, name: str) -> dict[str, str | None]:
    if step.is_null:
        return {}
    return {f"{name}_id": step["id"].text() or None, f"{name}_type": step["type"].text() or None}


def _account(chunk: Chunk) -> ChatlayerAccount:
    return cast(ChatlayerAccount, chunk.account)


TRANSFORM = Transform(
    run=_run,
    metrics=METRICS,
    known_shapes=KNOWN,
    fields=FIELDS,
    meanings={
        "conversations": "Conversations with the account's version of the bot; one ends after 15 minutes of silence.",
        "messages": "Messages of all kinds with the account's version of the bot.",
        "unique_users": "Users of the UTC day, new and returning; NULL in every other zone.",
    },
)
