"""Every field of Chatlayer's responses and where it lands; their known shape is derived from this list.

What must not come in: how a field is read (``series.py``).
"""

from collections.abc import Mapping

from transforms.erasure import JsonRecords
from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    ROUTING,
    FieldMapping,
    FieldMappings,
    derive_shapes,
    metric_columns,
    not_loaded,
    set_body_path,
    to,
)

_DISTRIBUTIONS = ("users_by_conversations", "conversations_by_duration", "conversations_by_messages")
_FALLBACK = "without an entry in `labels`"
_SUMMED = not_loaded("all series are summed")


def _distribution_columns(column: str) -> tuple[str, ...]:
    return tuple(qualified for name in _DISTRIBUTIONS for qualified in metric_columns(name, column))


def _series(
    values: tuple[str, ...], labels: Mapping[str, FieldMapping], titles: FieldMapping, x_values: FieldMapping = ROUTING
) -> Mapping[str, FieldMapping]:
    return {
        "data.x_values[]": x_values,
        "data.series[].values[]": to(*values),
        # the keys of labels are data: a bot may be grouped by a field that is not named here
        **{
            f"data.series[].labels{suffix}": set_body_path(mapping, "data", "series", "labels")
            for suffix, mapping in labels.items()
        },
        "data.series_labels[]": titles,
        **{
            f"data.series[].{name}": FieldMapping(is_routing=True, note=f"must be the {name} of `values`")
            for name in ("max", "sum")
        },
        **{
            f"data.series[].{name}": not_loaded("repeats what `values` hold; the mean is truncated to a whole number")
            for name in ("mean", "min")
        },
    }


def _breakdown(table: str, member: str, label: str) -> Mapping[str, FieldMapping]:
    column = f"{table}.{member}"
    return _series(
        (f"{table}.conversations", RECONCILIATION),
        {f".{label}": to(column)},
        to(column, note=_FALLBACK),
    )


FIELDS: FieldMappings = {
    "conversations": _series(
        ("conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION), {"": _SUMMED}, _SUMMED
    ),
    "conversations_by_channel": _breakdown("channel_daily", "channel_code", "channel_type"),
    "conversations_by_language": _breakdown("language_daily", "language_code", "language"),
    "messages": _series(
        ("conversation_daily.messages", *metric_columns("messages_by_kind"), LEDGER_TOTALS),
        {"": to(*metric_columns("messages_by_kind", "member"))},
        to(*metric_columns("messages_by_kind", "member"), note=_FALLBACK),
    ),
    "users": _series(("conversation_daily.unique_users",), {"": _SUMMED}, _SUMMED),
    "insights": _series(_distribution_columns("value"), {"": _SUMMED}, _SUMMED, to(*_distribution_columns("member"))),
    "intents": {
        "data[].intent_id": to("intent_daily.intent"),
        "data[].count": to("intent_daily.hits"),
        "data[].rank": to("intent_daily.rank"),
        "pagination.end_cursor": not_loaded("only requests the next page"),
        "pagination.has_more": not_loaded("only requests the next page"),
    },
    "team_usage": _series(
        ("team_daily.conversations", RECONCILIATION),
        {
            ".bot_id": to("team_daily.bot_id", RECONCILIATION),
            ".bot_version": to("team_daily.bot_version", RECONCILIATION),
            ".channel_type": to("team_daily.channel_code"),
            ".language": to("team_daily.language"),
        },
        not_loaded("the labels hold each of the four fields"),
    ),
    "events": {
        "events[].conversation_id": not_loaded("only requests the conversation's flow, which holds the same id"),
        **{
            f"events[].{name}": not_loaded("an event is only read for its conversation")
            for name in ("id", "type", "bot_id", "user_id", "timestamp")
        },
        "next_page_token": not_loaded("only requests the next page"),
    },
    "flow": {
        "bot_id": FieldMapping(is_routing=True, note="must be the account's bot"),
        "user_id": not_loaded("no view of flows holds users"),
        "conversation_id": FieldMapping(
            is_routing=True, note="must be the requested `flow_transition.conversation_id`"
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

SHAPES = derive_shapes(FIELDS)

PERSONAL = {
    "events": JsonRecords(
        ("events",),
        user_ids=(("user_id",),),
        conversation_id="conversation_id",
        kept=("id", "type", "bot_id", "timestamp"),
    ),
    "flow": JsonRecords(
        (), user_ids=(("user_id",),), conversation_id="conversation_id", kept=("bot_id", "transitions")
    ),
}
"""The events and the flows of people."""
