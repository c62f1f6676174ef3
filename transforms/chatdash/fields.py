"""Where the fields of ChatDash's answers land. Data only; how they are read stands in ``chatdash``."""

from collections.abc import Mapping

from transforms.field_mapping import RECONCILED, TOTALS, Fields, Home, landed_only, lands, metric

_ONE_BUCKET = "`total`, else the only entry of `counts`; several have no published bucket"
_KEPT = "only with `privacy: {message_texts: keep}`"
_NO_MEMBER = "the label is the member: ids are not unique"


def _total(key: str, *columns: str) -> Mapping[str, Home]:
    return {f"{key}.total": lands(*columns), f"{key}.counts[]": lands(*columns, note=_ONE_BUCKET)}


FIELDS: Fields = {
    "analytics": {
        **_total("conversations", "conversation_daily.conversations", TOTALS, RECONCILED),
        **_total("uniqueIps", "conversation_daily.unique_users", TOTALS),
        **_total("totalCallDuration", "conversation_daily.call_duration_seconds", TOTALS),
        **_total("totalCost", "conversation_daily.cost_amount", TOTALS),
        "totalCost.currency": lands("conversation_daily.cost_currency"),
        **_total("interactions", "conversation_daily.interactions", TOTALS),
        **_total("incomingTextMessages", "conversation_daily.user_messages", TOTALS),
        "understoodMessages.understood": lands("conversation_daily.understood_messages"),
        "understoodMessages.missed": lands("conversation_daily.misunderstood_messages"),
        "understoodMessages.total": lands(*metric("classified_messages")),
        "conversationsByCountry[].id": lands("country_daily.country_code"),
        "conversationsByCountry[].value": lands("country_daily.conversations", RECONCILED),
        "topIntents[].name": lands("intent_daily.intent", note="the place in the list is `intent_daily.rank`"),
        "topIntents[].count": lands("intent_daily.hits"),
        "endedReason[].reason": lands("end_reason_daily.end_reason"),
        "endedReason[].count": lands("end_reason_daily.conversations"),
        "topTopics[].id": landed_only(_NO_MEMBER),
        "topTopics[].label": lands("topic_daily.topic"),
        "topTopics[].count": lands("topic_daily.conversations"),
        "tokens[].model": lands("token_daily.model"),
        "tokens[].count": lands("token_daily.tokens", "conversation_daily.tokens", TOTALS),
        "topMisunderstoodMessages[].id": landed_only(_NO_MEMBER),
        "topMisunderstoodMessages[].label": lands(*metric("misunderstood_texts", "member"), note=_KEPT),
        "topMisunderstoodMessages[].count": lands(*metric("misunderstood_texts"), note=_KEPT),
        "averageCost.average": lands(*metric("average_cost")),
        "averageCost.counts[]": landed_only("means of unpublished buckets, which do not add up"),
        "averageCost.currency": landed_only("one currency per answer: that of `totalCost`"),
        "averageInteractions": lands(*metric("average_interactions")),
    },
}
