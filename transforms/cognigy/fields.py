"""Every field of Cognigy's responses and where it lands; their known shape is derived from this list.

What must not come in: how a field is read (``transform.py``).
"""

from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    ROUTING,
    FieldMappings,
    derive_shapes,
    metric_columns,
    to,
)

_DAY = {f"items[].{part}": ROUTING for part in ("day", "month", "year")}

FIELDS: FieldMappings = {
    "conversation_counter": {
        **_DAY,
        "items[].conversations": to(
            "conversation_daily.conversations",
            "channel_daily.conversations",
            LEDGER_TOTALS,
            RECONCILIATION,
            note="the total less the sum of the channels is the channel `unknown`",
        ),
        "items[].perChannel[].channel": to("channel_daily.channel_code"),
        "items[].perChannel[].conversations": to("channel_daily.conversations", RECONCILIATION),
    },
    "call_counter": {
        **_DAY,
        "items[].callMinutes": to("conversation_daily.call_duration_seconds"),
        "items[].processedCalls": to(*metric_columns("calls")),
        "items[].billableCalls": to(*metric_columns("billable_calls")),
        "items[].maxConcurrency": to(*metric_columns("max_concurrent_calls")),
    },
    "knowledge_query_counter": {**_DAY, "items[].queries": to(*metric_columns("knowledge_queries"))},
}

SHAPES = derive_shapes(FIELDS)
