"""Where the fields of ChatCaptain's answers land. Data only; how they are read stands in ``chatcaptain_reports``."""

from collections.abc import Mapping
from dataclasses import replace

from transforms.chatcaptain.components import CHANNEL, OVERVIEW, place
from transforms.chatcaptain.export_columns import ACCEPTED
from transforms.chatcaptain.reports import METRICS
from transforms.field_mapping import RECONCILED, TOTALS, Fields, Home, landed_only, lands, metric, steers

_SUM = lands(RECONCILED, note="the sum of an interval is compared with its total; its buckets are not loaded")
_TREND = landed_only("how a trend is worked out is unpublished")
_TOTALS = "of an export of totals `channel_daily` is filled only when no overview is pulled"
_LISTED = "of the list of channels, for each of which a report is asked"

_OF_CHANNELS = tuple(
    column for each in METRICS if each.metric.startswith("channel_") for column in metric(each.metric, "channel_id")
)


def _members(number: str, name: tuple[str, ...], count: tuple[str, ...]) -> dict[str, Home]:
    inside = f"{number}." if number else ""
    return {f"{inside}name": lands(*name), f"{inside}number": lands(*count)}


def _interval(number: str) -> dict[str, Home]:
    instant = landed_only("the buckets are only summed up")
    return {f"{number}.instant": instant, f"{number}.number": _SUM}


def _export() -> Mapping[str, Home]:
    homes = {
        "conversation_id": lands("conversation.conversation_id", "conversation_intent.conversation_id"),
        "started_at": lands("conversation.started_at", places=True),
        "ended_at": lands("conversation.ended_at"),
        "channel_id": lands("conversation.channel_code", note="only without a channel type, which the list tells then"),
        "channel_type": lands("conversation.channel_code", "channel_daily.channel_code", RECONCILED, note=_TOTALS),
        "language": lands("conversation.language_code"),
        "messages": lands("conversation.messages", RECONCILED),
        "user_messages": lands("conversation.user_messages"),
        "interactions": lands("conversation.interactions"),
        "intents": lands("conversation_intent.intent"),
        "intent_score": lands("conversation_intent.score", note="where a row names one intent"),
        "duration_seconds": lands("conversation.duration_seconds"),
        "end_reason": lands("conversation.end_reason"),
        "transfer_target": lands("conversation.transfer_target"),
        "user_id": lands("conversation.user_id", note="a pseudonym, only with `privacy: {key: …}`"),
        "conversations": lands("channel_daily.conversations", RECONCILED, note=_TOTALS),
    }
    return {field: replace(home, note=_spelled(field, home.note)) for field, home in homes.items()}


def _spelled(field: str, note: str) -> str:
    spelled = "columns " + ", ".join(f"`{name}`" for name in ACCEPTED[field])
    return f"{note}; {spelled}" if note else spelled


def _overview() -> Mapping[str, Home]:
    at = [place(number, OVERVIEW) for number in range(len(OVERVIEW))]
    return {
        **_members(at[0], metric("step_executions", "member"), metric("step_executions")),
        at[1]: lands("conversation_daily.conversations", TOTALS, RECONCILED),
        **_interval(at[2]),
        **_members(at[3], ("language_daily.language_code",), ("language_daily.conversations",)),
        **_members(at[4], ("channel_daily.channel_code", RECONCILED), ("channel_daily.conversations", RECONCILED)),
        at[5]: _TREND,
        at[6]: lands(*metric("messages_per_conversation_median")),
        at[7]: lands("conversation_daily.messages", TOTALS, RECONCILED),
        **_interval(at[8]),
        at[9]: _TREND,
        at[10]: lands(*metric("message_length_median")),
        **_members(at[11], ("intent_daily.intent",), ("intent_daily.hits",)),
        at[12]: lands(*metric("intent_score_median")),
        at[13]: lands(*metric("intent_count")),
        at[14]: lands("conversation_daily.interactions", TOTALS, RECONCILED),
        **_interval(at[15]),
        at[16]: _TREND,
    }


def _channel() -> Mapping[str, Home]:
    at = [place(number, CHANNEL) for number in range(len(CHANNEL))]

    def split(number: int, name: str) -> dict[str, Home]:
        return _members(at[number], metric(name, "member"), metric(name))

    return {
        **split(0, "channel_step_executions"),
        at[1]: lands(*metric("channel_conversations"), RECONCILED),
        **_interval(at[2]),
        at[3]: _TREND,
        **split(4, "channel_languages"),
        at[5]: lands(*metric("channel_messages_per_conversation_median")),
        at[6]: lands(*metric("channel_intent_count")),
        **split(7, "channel_intent_hits"),
        at[8]: lands(*metric("channel_intent_score_median")),
        at[9]: lands("channel_daily.interactions", RECONCILED),
        **_interval(at[10]),
        at[11]: _TREND,
        at[12]: lands("channel_daily.messages", RECONCILED),
        **_interval(at[13]),
        at[14]: _TREND,
        at[15]: lands(*metric("channel_message_length_median")),
        at[16]: lands("channel_daily.call_duration_seconds", "conversation_daily.call_duration_seconds"),
        at[17]: _TREND,
        at[18]: lands(*metric("channel_call_duration_median")),
        **split(19, "channel_call_exit_steps"),
        at[20]: lands(*metric("channel_call_user_inputs_median")),
        **_members(at[21], ("end_reason_daily.end_reason",), ("end_reason_daily.conversations",)),
        **split(22, "channel_call_transfer_targets"),
    }


FIELDS: Fields = {
    "channels": {
        "[].id": landed_only("`channel_report` holds the list that its reports were asked by"),
        "[].type": landed_only("`channel_report` holds the list that its reports were asked by"),
        "[].name": landed_only("names of channels may change and are no member of a view"),
        "[].createdAt": landed_only("no number of a day"),
        "[].token": steers("secret, dropped before anything is landed"),
    },
    "overview_report": _overview(),
    "channel_report": {
        "channel_id": lands(*_OF_CHANNELS, note=f"`id` {_LISTED}"),
        "channel_type": lands(
            "channel_daily.channel_code",
            "conversation_daily.call_duration_seconds",
            RECONCILED,
            note=f"`type` {_LISTED}; call time is that of voice and audiocodes, `debug` is no total",
        ),
        **_channel(),
    },
    "inbox": _members("", ("inbox_daily.measure",), ("inbox_daily.value",)),
    "export": _export(),
}
