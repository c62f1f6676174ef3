"""Every field of ChatDash's responses and where it lands; their known shape is derived from this list.

What must not come in: how a field is read (``transform.py``).
"""

from collections.abc import Mapping

from transforms.erasure import JsonTexts
from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    FieldMapping,
    FieldMappings,
    derive_shapes,
    metric_columns,
    not_loaded,
    to,
)

_ONE_BUCKET = "`total`, else the only entry of `counts`; the buckets of several entries are unpublished"
_ONLY_WITH_TEXTS = "only with `privacy: {message_texts: keep}`"
_ID_IS_NO_MEMBER = "the label is the member, because ids are not unique"


def _total(key: str, *columns: str) -> Mapping[str, FieldMapping]:
    return {f"{key}.total": to(*columns), f"{key}.counts[]": to(*columns, note=_ONE_BUCKET)}


FIELDS: FieldMappings = {
    "analytics": {
        **_total("conversations", "conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION),
        **_total("uniqueIps", "conversation_daily.unique_users", LEDGER_TOTALS),
        **_total("totalCallDuration", "conversation_daily.call_duration_seconds", LEDGER_TOTALS),
        **_total("totalCost", "conversation_daily.cost_amount", LEDGER_TOTALS),
        "totalCost.currency": to("conversation_daily.cost_currency"),
        **_total("interactions", "conversation_daily.interactions", LEDGER_TOTALS),
        **_total("incomingTextMessages", "conversation_daily.user_messages", LEDGER_TOTALS),
        "understoodMessages.understood": to("conversation_daily.understood_messages"),
        "understoodMessages.missed": to("conversation_daily.misunderstood_messages"),
        "understoodMessages.total": to(*metric_columns("classified_messages")),
        "conversationsByCountry[].id": to("country_daily.country_code"),
        "conversationsByCountry[].value": to("country_daily.conversations", RECONCILIATION),
        "topIntents[].name": to("intent_daily.intent", note="the place in the list is `intent_daily.rank`"),
        "topIntents[].count": to("intent_daily.hits"),
        "endedReason[].reason": to("end_reason_daily.end_reason"),
        "endedReason[].count": to("end_reason_daily.conversations"),
        "topTopics[].id": not_loaded(_ID_IS_NO_MEMBER),
        "topTopics[].label": to("topic_daily.topic"),
        "topTopics[].count": to("topic_daily.conversations"),
        "tokens[].model": to("token_daily.model"),
        "tokens[].count": to("token_daily.tokens", "conversation_daily.tokens", LEDGER_TOTALS),
        "topMisunderstoodMessages[].id": not_loaded(_ID_IS_NO_MEMBER),
        "topMisunderstoodMessages[].label": to(*metric_columns("misunderstood_texts", "member"), note=_ONLY_WITH_TEXTS),
        "topMisunderstoodMessages[].count": to(*metric_columns("misunderstood_texts"), note=_ONLY_WITH_TEXTS),
        "averageCost.average": to(*metric_columns("average_cost")),
        "averageCost.counts[]": not_loaded("the buckets of these means are unpublished, and means cannot be added"),
        "averageCost.currency": not_loaded("a response has one currency, that of `totalCost`"),
        "averageInteractions": to(*metric_columns("average_interactions")),
    },
}

SHAPES = derive_shapes(FIELDS)

PERSONAL = {"analytics": JsonTexts(("topMisunderstoodMessages",), "label")}
"""Texts that users wrote."""
