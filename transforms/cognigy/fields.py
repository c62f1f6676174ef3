"""Where the fields of Cognigy's answers land. Data only; how they are read stands in ``cognigy``."""

from transforms.field_mapping import PLACES, RECONCILED, TOTALS, Fields, lands, metric

_DAY = {f"items[].{part}": PLACES for part in ("day", "month", "year")}

FIELDS: Fields = {
    "conversation_counter": {
        **_DAY,
        "items[].conversations": lands(
            "conversation_daily.conversations",
            "channel_daily.conversations",
            TOTALS,
            RECONCILED,
            note="what the channels leave over is the channel `unknown`",
        ),
        "items[].perChannel[].channel": lands("channel_daily.channel_code"),
        "items[].perChannel[].conversations": lands("channel_daily.conversations", RECONCILED),
    },
    "call_counter": {
        **_DAY,
        "items[].callMinutes": lands("conversation_daily.call_duration_seconds"),
        "items[].processedCalls": lands(*metric("calls")),
        "items[].billableCalls": lands(*metric("billable_calls")),
        "items[].maxConcurrency": lands(*metric("max_concurrent_calls")),
    },
    "knowledge_query_counter": {**_DAY, "items[].queries": lands(*metric("knowledge_queries"))},
}
