"""Where the fields of Inkeep's answers land. Data only; how they are read stands in ``inkeep``."""

from transforms.field_mapping import RECONCILED, TOTALS, Fields, landed_only, lands, steers

_ENVELOPE = {
    "status": landed_only("an answer that is not `ok` is refused when it is fetched"),
    **{
        f"data.{name}": landed_only("says whether rows are missing; they are asked for then")
        for name in ("total", "pageSize", "count")
    },
}
_USER = ("conversation_daily.unique_users", "conversation.user_id")
_PSEUDONYM = "`user_id` is a pseudonym, only with `privacy: {key: …}`"
_KEPT = "only with `privacy: {properties: keep}`"

FIELDS: Fields = {
    "conversations": {
        "data.result[].id": lands("conversation.conversation_id"),
        "data.result[].firstMessageTime": lands("conversation.started_at", places=True),
        "data.result[].userMessageCount": lands(
            "conversation_daily.user_messages", "conversation.user_messages", RECONCILED
        ),
        "data.result[].type": lands("type_daily.type", "conversation.type"),
        "data.result[].projectId": lands("conversation.project_id"),
        "data.result[].integrationId": lands("conversation.integration_id"),
        "data.result[].organizationId": steers("not asked for: one key belongs to one organisation"),
        "data.result[].userProperties.userId": lands(*_USER, note=_PSEUDONYM),
        "data.result[].userProperties.id": lands(*_USER, note=f"where there is no `userId`; {_PSEUDONYM}"),
        "data.result[].userProperties": lands("conversation.properties", note=f"all but the ids, {_KEPT}"),
        "data.result[].properties": lands("conversation.properties", note=_KEPT),
        **_ENVELOPE,
    },
    "conversation_totals": {
        "data.result[].count": lands(
            "conversation_daily.conversations", TOTALS, RECONCILED, note="a column only with `detail: false`"
        ),
        "data.result[].sum_userMessageCount": lands(
            "conversation_daily.user_messages", TOTALS, RECONCILED, note="a column only with `detail: false`"
        ),
        "data.result[].countDistinct_userProperties.userId": landed_only(
            "no `unique_users`: it leaves out people who are known by `id` alone"
        ),
        "data.result[].firstMessageTime_day": lands(places=True),
        **_ENVELOPE,
    },
}
