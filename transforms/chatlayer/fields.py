"""Where the fields of Chatlayer's answers land. Data only; how they are read stands in ``chatlayer``."""

from collections.abc import Mapping

from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    ROUTING,
    FieldMapping,
    FieldMappings,
    metric_columns,
    not_loaded,
    to,
)

_DISTRIBUTIONS = ("users_by_conversations", "conversations_by_duration", "conversations_by_messages")
_FALLBACK = "where `labels` does not say it"
_SUMMED = not_loaded("all series are summed")


def _every(*columns: str) -> tuple[str, ...]:
    return tuple(each for name in _DISTRIBUTIONS for each in metric_columns(name, *columns))


def _series(
    values: tuple[str, ...], labels: Mapping[str, FieldMapping], titles: FieldMapping, x_values: FieldMapping = ROUTING
) -> Mapping[str, FieldMapping]:
    return {
        "data.x_values[]": x_values,
        "data.series[].values[]": to(*values),
        **{f"data.series[].labels{name}": home for name, home in labels.items()},
        "data.series_labels[]": titles,
        **{
            f"data.series[].{name}": not_loaded("told again by `values`; the mean is cut off to a whole number")
            for name in ("mean", "max", "min", "sum")
        },
    }


def _grouped(table: str, member: str, field: str) -> Mapping[str, FieldMapping]:
    named = f"{table}.{member}"
    return _series(
        (f"{table}.conversations", RECONCILIATION),
        {f".{field}": to(named)},
        to(named, note=_FALLBACK),
    )


FIELDS: FieldMappings = {
    "conversations": _series(
        ("conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION), {"": _SUMMED}, _SUMMED
    ),
    "conversations_by_channel": _grouped("channel_daily", "channel_code", "channel_type"),
    "conversations_by_language": _grouped("language_daily", "language_code", "language"),
    "messages": _series(
        ("conversation_daily.messages", *metric_columns("messages_by_kind"), LEDGER_TOTALS),
        {"": to(*metric_columns("messages_by_kind", "member"))},
        to(*metric_columns("messages_by_kind", "member"), note=_FALLBACK),
    ),
    "users": _series(("conversation_daily.unique_users",), {"": _SUMMED}, _SUMMED),
    "insights": _series(_every("value"), {"": _SUMMED}, _SUMMED, to(*_every("member"))),
    "intents": {
        "data[].intent_id": to("intent_daily.intent"),
        "data[].count": to("intent_daily.hits"),
        "data[].rank": to("intent_daily.rank"),
        "pagination.end_cursor": not_loaded("asks for the next page"),
        "pagination.has_more": not_loaded("asks for the next page"),
    },
    "team_usage": _series(
        ("team_daily.conversations", RECONCILIATION),
        {
            ".bot_id": to("team_daily.bot_id", RECONCILIATION),
            ".bot_version": to("team_daily.bot_version", RECONCILIATION),
            ".channel_type": to("team_daily.channel_code"),
            ".language": to("team_daily.language"),
        },
        not_loaded("the labels say each of the four fields"),
    ),
    "events": {
        "events[].conversation_id": not_loaded("asks for the conversation's flow, which names it"),
        **{
            f"events[].{name}": not_loaded("an event is only looked through for its conversation")
            for name in ("id", "type", "bot_id", "user_id", "timestamp")
        },
        "next_page_token": not_loaded("asks for the next page"),
    },
    "flow": {
        "bot_id": not_loaded("the bot is the account's"),
        "user_id": not_loaded("no view of flows names users"),
        "conversation_id": FieldMapping(
            is_routing=True, note="must be the `flow_transition.conversation_id` that was asked for"
        ),
        "transitions[].id": to("flow_transition.transition_id"),
        "transitions[].timestamp": to("flow_transition.at", is_routing=True),
        "transitions[].depth": to("flow_transition.depth"),
        "transitions[].from_step.id": to("flow_transition.from_step_id"),
        "transitions[].from_step.type": to("flow_transition.from_step_type"),
        "transitions[].to_step.id": to("flow_transition.to_step_id"),
        "transitions[].to_step.type": to("flow_transition.to_step_type"),
    },
}
