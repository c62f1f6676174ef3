"""Answers of another request in place of the requested one: of other days, of another stream, of another page."""

import json
from datetime import timedelta
from random import Random

from extractors.windows import Window
from tests.fuzz.answers import Exchange
from tests.fuzz.changes import AnswerChange, Mutation
from tests.fuzz.effects import AnyWord, Effect, Refused
from tests.fuzz.places import JsonAnswer

DATED = {
    "cognigy": {"conversation_counter", "call_counter", "knowledge_query_counter"},
    "chatlayer": {
        "conversations",
        "conversations_by_channel",
        "conversations_by_language",
        "messages",
        "users",
        "team_usage",
    },
    "chatcaptain": {"overview_report", "channel_report"},
    "inkeep": {"conversations", "conversation_totals"},
}
"""The streams whose answers say of which days they are, by provider."""
UNLIKE = {
    "cognigy": {"conversation_counter", "call_counter", "knowledge_query_counter"},
    "inkeep": {"conversations", "conversation_totals"},
    "chatcaptain": {"channels", "overview_report", "channel_report", "inbox", "export"},
    "chatlayer": {"conversations", "intents", "events", "flow"},
}
"""The streams whose answers cannot be taken for each other."""


def answer_of_other_days(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send the answer to the same request about other days."""
    if answer.stream not in DATED.get(answer.provider, ()):
        return None
    if answer.stream == "conversation_totals" and len(answer.fetch.window) == 1:
        return None  # the total of one day names no day
    window, days = answer.fetch.window, len(answer.fetch.window)
    offset = timedelta(days=rng.choice([-days, days, -7 * days, 31]))
    start = window.start + offset
    if answer.provider == "cognigy":
        start = (window.start + timedelta(days=rng.choice([-1, 32, 100]))).replace(day=1)
    others = answer.subject.fetch_other_window(answer.stream, Window(start, start + timedelta(days=days)))
    other = _find_counterpart(answer, others)
    if other is None or other.answer.body == answer.exchange.answer.body or not _holds_days(answer, other):
        return None
    return AnswerChange(f"the answer of {start}", Refused("it is the answer of other days"), other.answer.body)


def _find_counterpart(answer: JsonAnswer, others: list[Exchange]) -> Exchange | None:
    position = answer.fetch.exchanges.index(answer.exchange)
    same_path = [other for other in others if other.url.path == answer.exchange.url.path]
    same_channel = [
        other for other in same_path if other.url.params.get("channelId") == answer.exchange.url.params.get("channelId")
    ]
    return same_channel[min(position, len(same_channel) - 1)] if same_channel else None


def _holds_days(answer: JsonAnswer, other: Exchange) -> bool:
    """Return whether the other answer names a day at all: one without conversations may name none."""
    return b"20" in other.answer.body


def answer_of_other_stream(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send the answer of another endpoint of the account."""
    unlike = UNLIKE.get(answer.provider, set())
    if answer.stream not in unlike:
        return None
    others = [
        exchange
        for fetch in answer.subject.fetches
        for exchange in fetch.exchanges
        if fetch.stream in unlike - {answer.stream, answer.fetch.stream} and not exchange.url.path.endswith("/channels")
    ]
    if answer.subject.plan.shapes.get("report_keys") == "id":  # the ids of both reports are the same numbers
        others = [other for other in others if "/reports/" not in other.url.path]
    if not others:
        return None
    other = rng.choice(others)
    # the ids of conversations are searched at any depth of events
    is_followed = answer.stream == "events"
    if other.answer.body.strip() in (b"{}", b"[]") or other.answer.body == answer.exchange.answer.body:
        return None
    effect: Effect = Refused(f"it is the answer of {other.url.path.rsplit('/', 1)[-1]}", is_followed)
    return AnswerChange(f"the answer of {other.url.path}", effect, other.answer.body)


def answer_of_other_page(answer: JsonAnswer, rng: Random) -> AnswerChange | None:
    """Send the answer of another page, of another part of the range, of another conversation."""
    if answer.stream in ("insights", "channel_report", "channels", "inbox", "events") or answer.provider == "chatdash":
        return None
    exchanges = answer.fetch.exchanges
    if answer.stream == "intents":  # of a later page nothing shows that the earlier ones are missing
        exchanges = exchanges[: exchanges.index(answer.exchange)]
    others = [other for other in exchanges if other.answer.body != answer.exchange.answer.body]
    if not others:
        return None
    other = rng.choice(others)
    reason = "it is the answer of another page"
    # a part in place of the whole says that it is whole: only the totals of the other stream say more
    effect: Effect = AnyWord(reason) if answer.is_superseded and _is_whole(other) else Refused(reason)
    return AnswerChange(f"the answer of {other.key[1]}", effect, other.answer.body)


def _is_whole(exchange: Exchange) -> bool:
    data = json.loads(exchange.answer.body)["data"]
    return bool(data["total"] == data["count"])


SWAP_MUTATIONS: tuple[Mutation, ...] = (answer_of_other_days, answer_of_other_stream, answer_of_other_page)
