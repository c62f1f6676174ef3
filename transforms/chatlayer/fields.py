"""Where the fields of Chatlayer's answers land. Data only; how they are read stands in ``chatlayer``."""

from collections.abc import Mapping

from transforms.field_mapping import PLACES, RECONCILED, TOTALS, Fields, Home, landed_only, lands, metric

_DISTRIBUTIONS = ("users_by_conversations", "conversations_by_duration", "conversations_by_messages")
_FALLBACK = "where `labels` does not say it"
_SUMMED = landed_only("all series are summed")


def _every(*columns: str) -> tuple[str, ...]:
    return tuple(each for name in _DISTRIBUTIONS for each in metric(name, *columns))


def _series(
    values: tuple[str, ...], labels: Mapping[str, Home], titles: Home, x_values: Home = PLACES
) -> Mapping[str, Home]:
    return {
        "data.x_values[]": x_values,
        "data.series[].values[]": lands(*values),
        **{f"data.series[].labels{name}": home for name, home in labels.items()},
        "data.series_labels[]": titles,
        **{
            f"data.series[].{name}": landed_only("told again by `values`; the mean is cut off to a whole number")
            for name in ("mean", "max", "min", "sum")
        },
    }


def _grouped(table: str, member: str, field: str) -> Mapping[str, Home]:
    named = f"{table}.{member}"
    return _series(
        (f"{table}.conversations", RECONCILED),
        {f".{field}": lands(named)},
        lands(named, note=_FALLBACK),
    )


FIELDS: Fields = {
    "conversations": _series(("conversation_daily.conversations", TOTALS, RECONCILED), {"": _SUMMED}, _SUMMED),
    "conversations_by_channel": _grouped("channel_daily", "channel_code", "channel_type"),
    "conversations_by_language": _grouped("language_daily", "language_code", "language"),
    "messages": _series(
        ("conversation_daily.messages", *metric("messages_by_kind"), TOTALS),
        {"": lands(*metric("messages_by_kind", "member"))},
        lands(*metric("messages_by_kind", "member"), note=_FALLBACK),
    ),
    "users": _series(("conversation_daily.unique_users",), {"": _SUMMED}, _SUMMED),
    "insights": _series(_every("value"), {"": _SUMMED}, _SUMMED, lands(*_every("member"))),
    "intents": {
        "data[].intent_id": lands("intent_daily.intent"),
        "data[].count": lands("intent_daily.hits"),
        "data[].rank": lands("intent_daily.rank"),
        "pagination.end_cursor": landed_only("asks for the next page"),
        "pagination.has_more": landed_only("asks for the next page"),
    },
    "team_usage": _series(
        ("team_daily.conversations", RECONCILED),
        {
            ".bot_id": lands("team_daily.bot_id", RECONCILED),
            ".bot_version": lands("team_daily.bot_version", RECONCILED),
            ".channel_type": lands("team_daily.channel_code"),
            ".language": lands("team_daily.language"),
        },
        landed_only("the labels say each of the four fields"),
    ),
    "events": {
        "events[].conversation_id": landed_only("asks for the conversation's flow, which names it"),
        **{
            f"events[].{name}": landed_only("an event is only looked through for its conversation")
            for name in ("id", "type", "bot_id", "user_id", "timestamp")
        },
        "next_page_token": landed_only("asks for the next page"),
    },
    "flow": {
        "bot_id": landed_only("the bot is the account's"),
        "user_id": landed_only("no view of flows names users"),
        "conversation_id": Home(places=True, note="must be the `flow_transition.conversation_id` that was asked for"),
        "transitions[].id": lands("flow_transition.transition_id"),
        "transitions[].timestamp": lands("flow_transition.at", places=True),
        "transitions[].depth": lands("flow_transition.depth"),
        "transitions[].from_step.id": lands("flow_transition.from_step_id"),
        "transitions[].from_step.type": lands("flow_transition.from_step_type"),
        "transitions[].to_step.id": lands("flow_transition.to_step_id"),
        "transitions[].to_step.type": lands("flow_transition.to_step_type"),
    },
}
