"""Every field of ChatCaptain's responses and where it lands; their known shape is derived from this list.

A component of a report is written as a number, a breakdown or an interval; the helpers below declare these forms. What
must not come in: how a field is read (``reports.py``, ``export.py``).
"""

from collections.abc import Mapping
from dataclasses import replace

from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, component_label
from transforms.chatcaptain.export_columns import ACCEPTED_COLUMN_NAMES
from transforms.chatcaptain.metrics import METRICS
from transforms.drift import NamedMembers, Shape, flat_object
from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    FieldMapping,
    FieldMappings,
    derive_shapes,
    metric_columns,
    not_landed,
    not_loaded,
    set_body_path,
    to,
)

_SUM = to(RECONCILIATION, note="the sum of an interval is compared with its total; its buckets are not loaded")
_TREND = not_loaded("the calculation of a trend is unpublished")
_TOTALS = "an export of totals fills `channel_daily` only when no overview is pulled"
_OF_LIST = "of a listed channel; one report is requested per listed channel"

_OF_CHANNELS = tuple(
    column
    for metric in METRICS
    if metric.name.startswith("channel_")
    for column in metric_columns(metric.name, "channel_id")
)


_NUMBER = flat_object("value", "count")
_BREAKDOWN = NamedMembers(_NUMBER, flat_object("key", "id", "name", "count", "value"))
_INTERVAL = NamedMembers(_NUMBER, flat_object("timestamp", "date", "count", "value"))


def _number(label: str, *columns: str) -> dict[str, FieldMapping]:
    """Declare a number, bare or as ``{value: …}`` or ``{count: …}``."""
    return {label: set_body_path(to(*columns), label, shape=_NUMBER)}


def _members(
    label: str, name: tuple[str, ...], number: tuple[str, ...], shape: Shape = _BREAKDOWN
) -> dict[str, FieldMapping]:
    """Declare a breakdown, a map from name to number or a list of objects; without a label it is the whole body."""
    keys = (label,) if label else ()
    return {
        ".".join((*keys, "name")): set_body_path(to(*name), *keys, shape=shape),
        ".".join((*keys, "number")): set_body_path(to(*number), *keys, shape=shape),
    }


def _interval(label: str) -> dict[str, FieldMapping]:
    """Declare the numbers of a total's buckets."""
    instant = FieldMapping(is_routing=True, note="must be in the requested day; the buckets are only summed")
    return {
        f"{label}.instant": set_body_path(instant, label, shape=_INTERVAL),
        f"{label}.number": set_body_path(_SUM, label, shape=_INTERVAL),
    }


def _export() -> Mapping[str, FieldMapping]:
    mappings = {
        "conversation_id": to("conversation.conversation_id", "conversation_intent.conversation_id"),
        "started_at": to("conversation.started_at", is_routing=True),
        "ended_at": to("conversation.ended_at"),
        "channel_id": to(
            "conversation.channel_code", note="only without a channel type: the list of channels gives it"
        ),
        "channel_type": to("conversation.channel_code", "channel_daily.channel_code", RECONCILIATION, note=_TOTALS),
        "language": to("conversation.language_code"),
        "messages": to("conversation.messages", RECONCILIATION),
        "user_messages": to("conversation.user_messages"),
        "interactions": to("conversation.interactions"),
        "intents": to("conversation_intent.intent"),
        "intent_score": to("conversation_intent.score", note="only for a row with one intent"),
        "duration_seconds": to("conversation.duration_seconds"),
        "end_reason": to("conversation.end_reason"),
        "transfer_target": to("conversation.transfer_target"),
        "user_id": to("conversation.user_id", note="a pseudonym, only with `privacy: {key: …}`"),
        "conversations": to("channel_daily.conversations", RECONCILIATION, note=_TOTALS),
    }
    return {
        field: replace(mapping, note=_with_column_names(field, mapping.note)) for field, mapping in mappings.items()
    }


def _with_column_names(field: str, note: str) -> str:
    column_names = "columns " + ", ".join(f"`{name}`" for name in ACCEPTED_COLUMN_NAMES[field])
    return f"{note}; {column_names}" if note else column_names


def _overview() -> Mapping[str, FieldMapping]:
    labels = [component_label(number, OVERVIEW_COMPONENTS) for number in range(len(OVERVIEW_COMPONENTS))]
    return {
        **_members(labels[0], metric_columns("step_executions", "member"), metric_columns("step_executions")),
        **_number(labels[1], "conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION),
        **_interval(labels[2]),
        **_members(labels[3], ("language_daily.language_code",), ("language_daily.conversations",)),
        **_members(
            labels[4], ("channel_daily.channel_code", RECONCILIATION), ("channel_daily.conversations", RECONCILIATION)
        ),
        labels[5]: _TREND,
        **_number(labels[6], *metric_columns("messages_per_conversation_median")),
        **_number(labels[7], "conversation_daily.messages", LEDGER_TOTALS, RECONCILIATION),
        **_interval(labels[8]),
        labels[9]: _TREND,
        **_number(labels[10], *metric_columns("message_length_median")),
        **_members(labels[11], ("intent_daily.intent",), ("intent_daily.hits",)),
        **_number(labels[12], *metric_columns("intent_score_median")),
        **_number(labels[13], *metric_columns("intent_count")),
        **_number(labels[14], "conversation_daily.interactions", LEDGER_TOTALS, RECONCILIATION),
        **_interval(labels[15]),
        labels[16]: _TREND,
    }


def _channel() -> Mapping[str, FieldMapping]:
    labels = [component_label(number, CHANNEL_COMPONENTS) for number in range(len(CHANNEL_COMPONENTS))]

    def split(number: int, name: str) -> dict[str, FieldMapping]:
        return _members(labels[number], metric_columns(name, "member"), metric_columns(name))

    return {
        **split(0, "channel_step_executions"),
        **_number(labels[1], *metric_columns("channel_conversations"), RECONCILIATION),
        **_interval(labels[2]),
        labels[3]: _TREND,
        **split(4, "channel_languages"),
        **_number(labels[5], *metric_columns("channel_messages_per_conversation_median")),
        **_number(labels[6], *metric_columns("channel_intent_count")),
        **split(7, "channel_intent_hits"),
        **_number(labels[8], *metric_columns("channel_intent_score_median")),
        **_number(labels[9], "channel_daily.interactions", RECONCILIATION),
        **_interval(labels[10]),
        labels[11]: _TREND,
        **_number(labels[12], "channel_daily.messages", RECONCILIATION),
        **_interval(labels[13]),
        labels[14]: _TREND,
        **_number(labels[15], *metric_columns("channel_message_length_median")),
        **_number(labels[16], "channel_daily.call_duration_seconds", "conversation_daily.call_duration_seconds"),
        labels[17]: _TREND,
        **_number(labels[18], *metric_columns("channel_call_duration_median")),
        **split(19, "channel_call_exit_steps"),
        **_number(labels[20], *metric_columns("channel_call_user_inputs_median")),
        **_members(labels[21], ("end_reason_daily.end_reason",), ("end_reason_daily.conversations",)),
        **split(22, "channel_call_transfer_targets"),
    }


FIELDS: FieldMappings = {
    "channels": {
        "[].id": not_loaded("`channel_report` is requested per listed channel and holds the same list"),
        "[].type": not_loaded("`channel_report` is requested per listed channel and holds the same list"),
        "[].name": not_loaded("the name of a channel may change; no view has it"),
        "[].createdAt": not_loaded("not a number of a day"),
        "[].token": not_landed("a secret, removed before landing"),
    },
    "overview_report": _overview(),
    "channel_report": {
        "channel_id": to(*_OF_CHANNELS, note=f"`id` {_OF_LIST}", is_in_body=False),
        "channel_type": to(
            "channel_daily.channel_code",
            "conversation_daily.call_duration_seconds",
            RECONCILIATION,
            note=f"`type` {_OF_LIST}; call time is that of voice and audiocodes, `debug` is in no total",
            is_in_body=False,
        ),
        **_channel(),
    },
    "inbox": _members("", ("inbox_daily.measure",), ("inbox_daily.value",), NamedMembers(_NUMBER)),
    "export": _export(),
}

SHAPES = derive_shapes(FIELDS)
