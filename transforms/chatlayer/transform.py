"""Chatlayer's responses to facts. Rules: docs/mapping.md, "Chatlayer".

The numbers are those of the account's bot version. The usage of a team, with all its bots, is in its own table. What
must not come in: the form of a series (``series.py``), the list of fields (``fields.py``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from extractors.chatlayer.account import ChatlayerAccount
from extractors.chatlayer.contexts import FlowContext, TeamUsageContext
from extractors.windows import Window
from transforms import conform
from transforms.chatlayer.fields import FIELDS, PERSONAL, SHAPES
from transforms.chatlayer.request import describe_request
from transforms.chatlayer.series import (
    Series,
    iterate_daily_sums,
    optional_elements,
    optional_field,
    parse_series,
    read_optional_count,
)
from transforms.chunk import Chunk, LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from transforms.privacy import conceal
from transforms.reading import Node
from transforms.registry import Transform
from transforms.request_echo import refuse_other_request

METRICS = (
    Metric("messages_by_kind", "messages", ADDITIVE, "Messages by kind, under the provider's names of its series."),
    Metric("users_by_conversations", "users", NOT_ADDITIVE, "Users of the day by how many conversations they had."),
    Metric("conversations_by_duration", "conversations", ADDITIVE, "Conversations by their length in seconds."),
    Metric("conversations_by_messages", "conversations", ADDITIVE, "Conversations by how many messages they have."),
)
INSIGHTS = {
    "num_conversations": "users_by_conversations",
    "duration_seconds": "conversations_by_duration",
    "num_messages": "conversations_by_messages",
}
LAST_RANK = 2**31 - 1
LONGEST_CONVERSATION = timedelta(days=1)  # it ends after 15 silent minutes

_UTC = ZoneInfo("UTC")
_FIRST_YEAR = 2000  # the gateway writes an empty time as the year 1 or 1970


def _transform(chunk: Chunk[ChatlayerAccount], facts: Facts) -> None:
    _load_totals(chunk, facts)
    for response, series, sums in _iterate_series(chunk, facts, "conversations_by_channel"):
        channel = series.group_member("channel_type")
        for day, count in sums.items():
            facts.drift.record_unknown_channels(day, response.where, [channel])
            facts.add("channel_daily", day, {"conversations": count}, channel_code=channel)
    for _, series, sums in _iterate_series(chunk, facts, "conversations_by_language"):
        for day, count in sums.items():
            language = conform.normalize_language_code(series.group_member("language"))
            facts.add("language_daily", day, {"conversations": count}, language_code=language)
    _load_insights(chunk, facts)
    _load_intents(chunk, facts)
    _reconcile(chunk, facts, _load_team_usage(chunk, facts))
    _check_events(chunk)
    for response in chunk.responses("flow"):
        flow_context: FlowContext = response.context
        if flow_context["found"]:
            _load_flow(chunk, facts, response)


def _iterate_responses(chunk: Chunk[ChatlayerAccount], facts: Facts, stream: str) -> Iterator[LandedResponse]:
    return facts.drift.checking(chunk.responses(stream), SHAPES[stream])


def _iterate_series(
    chunk: Chunk[ChatlayerAccount], facts: Facts, stream: str
) -> Iterator[tuple[LandedResponse, Series, Counter[date]]]:
    """Yield each series of a stream with its response and its sums by local day."""
    for response in _iterate_responses(chunk, facts, stream):
        for series, sums in iterate_daily_sums(response, chunk.zone):
            yield response, series, sums


def _load_totals(chunk: Chunk[ChatlayerAccount], facts: Facts) -> None:
    for response in _iterate_responses(chunk, facts, "conversations"):
        for day, total in _sum_series(response, chunk.zone).items():
            facts.set("conversation_daily", day, {"conversations": total})
            facts.record_provider_total(day, "conversations", total)
    for response in _iterate_responses(chunk, facts, "messages"):
        for day, total in _sum_series(response, chunk.zone).items():
            facts.set("conversation_daily", day, {"messages": total})
            facts.record_provider_total(day, "messages", total)
        for series, sums in iterate_daily_sums(response, chunk.zone):
            kind = series.name()
            for day, count in sums.items() if kind else ():
                facts.record_metric(day, "messages_by_kind", count, kind)
    # the distinct users of hours cannot be summed: the measure is known only where a bucket is a day of the account
    for response in _iterate_responses(chunk, facts, "users"):
        if response.request["query"]["bucket"] == "1d":
            for day, total in _sum_series(response, chunk.zone).items():
                facts.set("conversation_daily", day, {"unique_users": total})


def _sum_series(response: LandedResponse, zone: ZoneInfo) -> Counter[date]:
    """Return the sum of all series by local day; a day without a bucket is zero."""
    total = Counter(dict.fromkeys(response.days, 0))
    for _, sums in iterate_daily_sums(response, zone):
        total.update(sums)
    return total


def _load_insights(chunk: Chunk[ChatlayerAccount], facts: Facts) -> None:
    for response in _iterate_responses(chunk, facts, "insights"):
        day = response.claimed_day()
        if day is None:
            continue
        bins, all_series = parse_series(response, chunk.zone)
        counts: dict[str, int] = {}
        for index, x in enumerate(bins):
            if x.member() in counts:
                x.refuse("comes a second time")
            counts[x.member()] = sum(series.values[index] for series in all_series)
        for name, count in counts.items():
            facts.record_metric(day, INSIGHTS[response.request["query"]["stat"]], count, name)


def _load_intents(chunk: Chunk[ChatlayerAccount], facts: Facts) -> None:
    """Load the intents of all pages of a day.

    Raises ShapeError for an intent that comes twice, on one page or on two: the list moved while it was read, so
    another intent may be missing. Raises it too for a last page that announces more.
    """
    last_pages: dict[date, Node] = {}
    seen: dict[date, set[str]] = defaultdict(set)
    for response in _iterate_responses(chunk, facts, "intents"):
        day = response.claimed_day()
        if day is None:
            continue
        refuse_other_request(response.root, describe_request(response), chunk.zone)
        last_pages[day] = response.root
        for entry in optional_elements(optional_field(response.root, "data", "pagination")):
            intent = entry["intent_id"].member()
            if intent in seen[day]:
                entry["intent_id"].refuse("comes a second time, on this page or an earlier one")
            seen[day].add(intent)
            optional_field(entry, "count", "intent_id", "rank")
            hits, rank = read_optional_count(entry, "count"), read_optional_count(entry, "rank")
            if rank > LAST_RANK:
                entry["rank"].refuse("is not a place in a list")
            facts.set("intent_daily", day, {"hits": hits, "rank": rank, "is_top_n": False}, intent=intent)
    for day, page in last_pages.items():
        refuse_incomplete(page, len(seen[day]), sums=[facts.total("intent_daily", day, "hits") or 0])


def _load_team_usage(chunk: Chunk[ChatlayerAccount], facts: Facts) -> Counter[date]:
    """Load the team's usage by UTC days; return the conversations of the account's own bot and version by day."""
    account = chunk.account
    own_usage: Counter[date] = Counter()
    for response in _iterate_responses(chunk, facts, "team_usage"):
        context: TeamUsageContext = response.context
        if context["team_id"] != account.team_id:
            continue  # landed before the account was moved to another team
        own_usage.update(dict.fromkeys(response.days, 0))
        for series, sums in iterate_daily_sums(response, _UTC):
            bot, version, channel, language = series.label_members("bot_id", "bot_version", "channel_type", "language")
            for day, count in sums.items():
                facts.drift.record_unknown_channels(day, response.where, [channel])
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
                    own_usage[day] += count
    return own_usage


def _reconcile(chunk: Chunk[ChatlayerAccount], facts: Facts, own_usage: Counter[date]) -> None:
    breakdowns = {"conversations_by_channel": "channel_daily", "conversations_by_language": "language_daily"}
    for day in chunk.days:
        total = facts.value("conversation_daily", day, "conversations")
        for stream, table in breakdowns.items():
            if chunk.is_stream_enabled(stream):
                loaded = facts.total(table, day, "conversations")
                facts.reconcile(day, "conversations", table, total, loaded)
        if day in own_usage and chunk.account.has_utc_days:
            facts.reconcile(day, "conversations", "team_daily", total, own_usage[day])


def _check_events(chunk: Chunk[ChatlayerAccount]) -> None:
    """Refuse events that are not whole: flows are requested for the conversations that they name.

    The token of the next page has been followed when the pages were fetched.
    """
    for response in chunk.responses("events"):
        root = response.root
        rest = {key: value for key, value in root.object().items() if key != "next_page_token"}
        refuse_incomplete(Node(rest, root.path, root.where), None)


def _load_flow(chunk: Chunk[ChatlayerAccount], facts: Facts, response: LandedResponse) -> None:
    """Load one conversation's transitions, each on the local day of its own instant."""
    context: FlowContext = response.context
    conversation = context["conversation_id"]
    concealed = conceal(chunk.account, "conversation_id", conversation)
    facts.drift.record_unknown_fields(response, SHAPES["flow"])
    requested = {**describe_request(response), "bot_id": chunk.account.bot_id}
    refuse_other_request(response.root, requested, chunk.zone)
    name = response.root["conversation_id"]
    if name.text() not in (None, "", conversation):
        name.refuse(f"is another conversation than {conversation}")
    transitions = (
        response.root["transitions"]
        if name.value
        else optional_field(response.root, "transitions", "bot_id", "user_id")
    )
    refuse_incomplete(response.root, 0 if transitions.is_null else len(transitions.array()))
    for transition, transition_id in _distinct_transitions(transitions):
        instant = transition["timestamp"].instant()
        if instant is None or instant.year < _FIRST_YEAR:
            transition["timestamp"].refuse("is not the instant of a transition")
        if not _is_near(instant, response.window, chunk.zone):
            transition["timestamp"].refuse(f"is outside of the requested days, {response.window}")
        day = chunk.local_day(instant)
        if day not in response.days:
            continue
        measures = {
            **_read_step(transition["from_step"], "from_step"),
            **_read_step(transition["to_step"], "to_step"),
            "depth": read_optional_count(transition, "depth"),
            "at": instant,
        }
        facts.set("flow_transition", day, measures, conversation_id=concealed, transition_id=transition_id)


def _is_near(instant: datetime, window: Window, zone: ZoneInfo) -> bool:
    """Return whether a transition may belong to a conversation of the window, which may begin and end beside it."""
    first, end = window.first_instant(zone), window.end_instant(zone)
    return first - LONGEST_CONVERSATION <= instant < end + LONGEST_CONVERSATION


def _distinct_transitions(transitions: Node) -> Iterator[tuple[Node, str]]:
    """Yield each transition with its id, once; ShapeError for two different transitions with one id."""
    values: dict[str, object] = {}
    for transition in optional_elements(transitions):
        transition_id = transition["id"].required_text()
        if transition_id not in values:
            values[transition_id] = transition.value
            yield transition, transition_id
        elif values[transition_id] != transition.value:
            transition.refuse(f"reports {transition_id} a second time, with other values")


def _read_step(step: Node, name: str) -> dict[str, str | None]:
    if step.is_null:
        return {}
    return {f"{name}_id": step["id"].text() or None, f"{name}_type": step["type"].text() or None}


TRANSFORM = Transform(
    run=_transform,
    metrics=METRICS,
    fields=FIELDS,
    personal=PERSONAL,
    meanings={
        "conversations": "Conversations with the account's version of the bot; one ends after 15 minutes of silence.",
        "messages": "Messages of all kinds with the account's version of the bot.",
        "unique_users": "Users of the UTC day, new and returning; NULL in every other zone.",
    },
)
