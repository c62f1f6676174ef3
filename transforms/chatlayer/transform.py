"""Chatlayer's answers to facts. Rules: docs/mapping.md, "Chatlayer". How a series is written: ``chatlayer_series``.

Numbers are those of the account's version of its bot; a team's usage, of all its bots, stays in its own table.
"""

from collections import Counter
from datetime import date
from typing import cast
from zoneinfo import ZoneInfo

from extractors.chatlayer.account import ChatlayerAccount
from transforms import conform
from transforms.chatlayer.fields import FIELDS
from transforms.chatlayer.series import SERIES, daily, listed, omitted, read
from transforms.chunk import Chunk, Landed
from transforms.drift import Shape, keys
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
INTENTS: Shape = {"data": keys("intent_id", "count", "rank"), "pagination": keys("end_cursor", "has_more")}
FLOW: Shape = {
    **dict.fromkeys(("bot_id", "conversation_id", "user_id")),
    "transitions": {
        **dict.fromkeys(("id", "depth", "timestamp")),
        **dict.fromkeys(("from_step", "to_step"), keys("id", "type")),
    },
}
KNOWN: dict[str, Shape] = {
    **dict.fromkeys(
        ("conversations", "conversations_by_channel", "conversations_by_language", "messages", "users"), SERIES
    ),
    **dict.fromkeys(("insights", "team_usage"), SERIES),
    "intents": INTENTS,
    "flow": FLOW,
}
LAST_RANK = 2**31 - 1

_UTC = ZoneInfo("UTC")
_FIRST_YEAR = 2000  # a gateway's empty time is the year 1 or 1970


def _run(chunk: Chunk, facts: Facts) -> None:
    _totals(chunk, facts)
    for answer in facts.drift.watch(chunk.answers("conversations_by_channel"), SERIES):
        for serie, sums in daily(answer, chunk.zone):
            channel = serie.group("channel_type")
            for day, count in sums.items():
                facts.drift.channels(day, answer.where, [channel])
                facts.add("channel_daily", day, {"conversations": count}, channel_code=channel)
    for answer in facts.drift.watch(chunk.answers("conversations_by_language"), SERIES):
        for serie, sums in daily(answer, chunk.zone):
            for day, count in sums.items():
                language = conform.language_code(serie.group("language"))
                facts.add("language_daily", day, {"conversations": count}, language_code=language)
    _insights(chunk, facts)
    _intents(chunk, facts)
    _reconcile(chunk, facts, _team_usage(chunk, facts))
    for answer in chunk.answers("flow"):
        if answer.context["found"]:
            _flow(chunk, facts, answer)


def _totals(chunk: Chunk, facts: Facts) -> None:
    for answer in facts.drift.watch(chunk.answers("conversations"), SERIES):
        for day, total in _sums(answer, chunk.zone).items():
            facts.put("conversation_daily", day, {"conversations": total})
            facts.told(day, "conversations", total)
    for answer in facts.drift.watch(chunk.answers("messages"), SERIES):
        for day, total in _sums(answer, chunk.zone).items():
            facts.put("conversation_daily", day, {"messages": total})
            facts.told(day, "messages", total)
        for serie, sums in daily(answer, chunk.zone):
            kind = serie.name()
            for day, count in sums.items() if kind else ():
                facts.metric(day, "messages_by_kind", count, kind)
    # distinct users of an hour cannot be added up: only buckets that are the account's days have an answer
    for answer in facts.drift.watch(chunk.answers("users"), SERIES):
        if answer.asked["query"]["bucket"] == "1d":
            for day, total in _sums(answer, chunk.zone).items():
                facts.put("conversation_daily", day, {"unique_users": total})


def _sums(answer: Landed, zone: ZoneInfo) -> Counter[date]:
    """All series of an answer together; a day without a bucket is zero."""
    total = Counter(dict.fromkeys(answer.days, 0))
    for _, sums in daily(answer, zone):
        total.update(sums)
    return total


def _insights(chunk: Chunk, facts: Facts) -> None:
    for answer in facts.drift.watch(chunk.answers("insights"), SERIES):
        day = answer.only_day()
        if day is None:
            continue
        bins, series = read(answer.root)
        counted: Counter[str] = Counter()
        for index, x in enumerate(bins):
            counted[x.member()] += sum(serie.values[index] for serie in series)
        for name, count in counted.items():
            facts.metric(day, INSIGHTS[answer.asked["query"]["stat"]], count, name)


def _intents(chunk: Chunk, facts: Facts) -> None:
    """An intent on several pages is one: its hits are added up, its first place counts."""
    hits: Counter[tuple[date, str]] = Counter()
    ranks: dict[tuple[date, str], int] = {}
    for answer in facts.drift.watch(chunk.answers("intents"), INTENTS):
        day = answer.only_day()
        if day is None:
            continue
        for entry in listed(omitted(answer.root, "data", "pagination")):
            key = (day, entry["intent_id"].member())
            hits[key] += omitted(entry, "count", "intent_id", "rank").count() or 0
            rank = entry["rank"].count() or 0
            if rank > LAST_RANK:
                entry["rank"].refuse("is not a place in a list")
            ranks[key] = min(ranks.get(key, rank), rank)
    for (day, intent), count in hits.items():
        told = {"hits": count, "rank": ranks[day, intent], "is_top_n": False}
        facts.put("intent_daily", day, told, intent=intent)


def _team_usage(chunk: Chunk, facts: Facts) -> Counter[date]:
    """Load the team's usage by UTC days; return what it tells of the account's own bot and version, by day."""
    account = _account(chunk)
    own: Counter[date] = Counter()
    for answer in facts.drift.watch(chunk.answers("team_usage"), SERIES):
        if answer.context["team_id"] != account.team_id:
            continue  # landed before the account came to another team
        own.update(dict.fromkeys(answer.days, 0))
        for serie, sums in daily(answer, _UTC):
            bot, version, channel, language = map(serie.label, ("bot_id", "bot_version", "channel_type", "language"))
            for day, count in sums.items():
                facts.drift.channels(day, answer.where, [channel])
                facts.add(
                    "team_daily",
                    day,
                    {"conversations": count},
                    bot_id=bot,
                    bot_version=version,
                    channel_code=channel,
                    language_code=conform.language_code(language),
                )
                if (bot, version) == (account.bot_id, account.version):
                    own[day] += count
    return own


def _reconcile(chunk: Chunk, facts: Facts, own_usage: Counter[date]) -> None:
    breakdowns = {"conversations_by_channel": "channel_daily", "conversations_by_language": "language_daily"}
    for day in chunk.days:
        told = facts.value("conversation_daily", day, "conversations")
        for stream, table in breakdowns.items():
            if chunk.pulled(stream):
                loaded = facts.total(table, day, "conversations")
                facts.reconcile(day, "conversations", table, told, loaded)
        if day in own_usage and _account(chunk).days_are_utc:
            facts.reconcile(day, "conversations", "team_daily", told, own_usage[day])


def _flow(chunk: Chunk, facts: Facts, answer: Landed) -> None:
    """One conversation's transitions, each on the local day of its own instant."""
    conversation = answer.context["conversation_id"]
    facts.drift.fields(answer, FLOW)
    told = answer.root["conversation_id"]
    if told.text() not in (None, "", conversation):
        told.refuse(f"is another conversation than {conversation}")
    transitions = answer.root["transitions"] if told.value else omitted(answer.root, "transitions", "bot_id", "user_id")
    seen: dict[str, object] = {}
    for transition in listed(transitions):
        name = transition["id"].told_text()
        if name in seen and seen[name] == transition.value:
            continue
        if name in seen:
            transition.refuse(f"tells {name} a second time, and otherwise")
        seen[name] = transition.value
        at = transition["timestamp"].instant()
        if at is None or at.year < _FIRST_YEAR:
            transition["timestamp"].refuse("is not the instant of a transition")
        day = chunk.day_of(at)
        if day not in answer.days:
            continue
        measures = {
            **_step(transition["from_step"], "from_step"),
            **_step(transition["to_step"], "to_step"),
            "depth": transition["depth"].count() or 0,
            "at": at,
        }
        facts.put("flow_transition", day, measures, conversation_id=conversation, transition_id=name)


def _step(step: Node, name: str) -> dict[str, str | None]:
    if step.is_null:
        return {}
    return {f"{name}_id": step["id"].text() or None, f"{name}_type": step["type"].text() or None}


def _account(chunk: Chunk) -> ChatlayerAccount:
    return cast(ChatlayerAccount, chunk.account)


TRANSFORM = Transform(
    run=_run,
    metrics=METRICS,
    known=KNOWN,
    fields=FIELDS,
    meanings={
        "conversations": "Conversations with the account's version of the bot; one ends after 15 minutes of silence.",
        "messages": "Messages of all kinds with the account's version of the bot.",
        "unique_users": "Users of the UTC day, new and returning; NULL in every other zone.",
    },
)
