"""Where the fields of ChatCaptain's answers land. Data only; how they are read stands in ``chatcaptain_reports``."""

from collections.abc import Mapping
from dataclasses import replace

from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, component_label
from transforms.chatcaptain.export_columns import ACCEPTED_COLUMN_NAMES
from transforms.chatcaptain.reports import METRICS
from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    FieldMapping,
    FieldMappings,
    metric_columns,
    not_landed,
    not_loaded,
    to,
)

_SUM = to(RECONCILIATION, note="the sum of an interval is compared with its total; its buckets are not loaded")
_TREND = not_loaded("how a trend is worked out is unpublished")
_TOTALS = "of an export of totals `channel_daily` is filled only when no overview is pulled"
_LISTED = "of the list of channels, for each of which a report is asked"

_OF_CHANNELS = tuple(
    column for each in METRICS if each.name.startswith("channel_") for column in metric_columns(each.name, "channel_id")
)


def _members(number: str, name: tuple[str, ...], count: tuple[str, ...]) -> dict[str, FieldMapping]:
    inside = f"{number}." if number else ""
    return {f"{inside}name": to(*name), f"{inside}number": to(*count)}


def _interval(number: str) -> dict[str, FieldMapping]:
    instant = not_loaded("the buckets are only summed up")
    return {f"{number}.instant": instant, f"{number}.number": _SUM}


def _export() -> Mapping[str, FieldMapping]:
    homes = {
        "conversation_id": to("conversation.conversation_id", "conversation_intent.conversation_id"),
        "started_at": to("conversation.started_at", is_routing=True),
        "ended_at": to("conversation.ended_at"),
        "channel_id": to("conversation.channel_code", note="only without a channel type, which the list tells then"),
        "channel_type": to("conversation.channel_code", "channel_daily.channel_code", RECONCILIATION, note=_TOTALS),
        "language": to("conversation.language_code"),
        "messages": to("conversation.messages", RECONCILIATION),
        "user_messages": to("conversation.user_messages"),
        "interactions": to("conversation.interactions"),
        "intents": to("conversation_intent.intent"),
        "intent_score": to("conversation_intent.score", note="where a row names one intent"),
        "duration_seconds": to("conversation.duration_seconds"),
        "end_reason": to("conversation.end_reason"),
        "transfer_target": to("conversation.transfer_target"),
        "user_id": to("conversation.user_id", note="a pseudonym, only with `privacy: {key: …}`"),
        "conversations": to("channel_daily.conversations", RECONCILIATION, note=_TOTALS),
    }
    return {field: replace(home, note=_spelled(field, home.note)) for field, home in homes.items()}


def _spelled(field: str, note: str) -> str:
    spelled = "columns " + ", ".join(f"`{name}`" for name in ACCEPTED_COLUMN_NAMES[field])
    return f"{note}; {spelled}" if note else spelled


def _overview() -> Mapping[str, FieldMapping]:
    at = [component_label(number, OVERVIEW_COMPONENTS) for number in range(len(OVERVIEW_COMPONENTS))]
    return {
        **_members(at[0], metric_columns("step_executions", "member"), metric_columns("step_executions")),
        at[1]: to("conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION),
        **_interval(at[2]),
        **_members(at[3], ("language_daily.language_code",), ("language_daily.conversations",)),
        **_members(
            at[4], ("channel_daily.channel_code", RECONCILIATION), ("channel_daily.conversations", RECONCILIATION)
        ),
        at[5]: _TREND,
        at[6]: to(*metric_columns("messages_per_conversation_median")),
        at[7]: to("conversation_daily.messages", LEDGER_TOTALS, RECONCILIATION),
        **_interval(at[8]),
        at[9]: _TREND,
        at[10]: to(*metric_columns("message_length_median")),
        **_members(at[11], ("intent_daily.intent",), ("intent_daily.hits",)),
        at[12]: to(*metric_columns("intent_score_median")),
        at[13]: to(*metric_columns("intent_count")),
        at[14]: to("conversation_daily.interactions", LEDGER_TOTALS, RECONCILIATION),
        **_interval(at[15]),
        at[16]: _TREND,
    }


def _channel() -> Mapping[str, FieldMapping]:
    at = [component_label(number, CHANNEL_COMPONENTS) for number in range(len(CHANNEL_COMPONENTS))]

    def split(number: int, name: str) -> dict[str, FieldMapping]:
        return _members(at[number], metric_columns(name, "member"), metric_columns(name))

    return {
        **split(0, "channel_step_executions"),
        at[1]: to(*metric_columns("channel_conversations"), RECONCILIATION),
        **_interval(at[2]),
        at[3]: _TREND,
        **split(4, "channel_languages"),
        at[5]: to(*metric_columns("channel_messages_per_conversation_median")),
        at[6]: to(*metric_columns("channel_intent_count")),
        **split(7, "channel_intent_hits"),
        at[8]: to(*metric_columns("channel_intent_score_median")),
        at[9]: to("channel_daily.interactions", RECONCILIATION),
        **_interval(at[10]),
        at[11]: _TREND,
        at[12]: to("channel_daily.messages", RECONCILIATION),
        **_interval(at[13]),
        at[14]: _TREND,
        at[15]: to(*metric_columns("channel_message_length_median")),
        at[16]: to("channel_daily.call_duration_seconds", "conversation_daily.call_duration_seconds"),
        at[17]: _TREND,
        at[18]: to(*metric_columns("channel_call_duration_median")),
        **split(19, "channel_call_exit_steps"),
        at[20]: to(*metric_columns("channel_call_user_inputs_median")),
        **_members(at[21], ("end_reason_daily.end_reason",), ("end_reason_daily.conversations",)),
        **split(22, "channel_call_transfer_targets"),
    }


FIELDS: FieldMappings = {
    "channels": {
        "[].id": not_loaded("`channel_report` holds the list that its reports were asked by"),
        "[].type": not_loaded("`channel_report` holds the list that its reports were asked by"),
        "[].name": not_loaded("names of channels may change and are no member of a view"),
        "[].createdAt": not_loaded("no number of a day"),
        "[].token": not_landed("secret, dropped before anything is landed"),
    },
    "overview_report": _overview(),
    "channel_report": {
        "channel_id": to(*_OF_CHANNELS, note=f"`id` {_LISTED}"),
        "channel_type": to(
            "channel_daily.channel_code",
            "conversation_daily.call_duration_seconds",
            RECONCILIATION,
            note=f"`type` {_LISTED}; call time is that of voice and audiocodes, `debug` is no total",
        ),
        **_channel(),
    },
    "inbox": _members("", ("inbox_daily.measure",), ("inbox_daily.value",)),
    "export": _export(),
}
