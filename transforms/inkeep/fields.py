"""Where the fields of Inkeep's answers land. Data only; how they are read stands in ``inkeep``."""

from transforms.field_mapping import LEDGER_TOTALS, RECONCILIATION, FieldMappings, not_landed, not_loaded, to

_ENVELOPE = {
    "status": not_loaded("an answer that is not `ok` is refused when it is fetched"),
    **{
        f"data.{name}": not_loaded("says whether rows are missing; they are asked for then")
        for name in ("total", "pageSize", "count")
    },
}
_USER = ("conversation_daily.unique_users", "conversation.user_id")
_PSEUDONYM = "`user_id` is a pseudonym, only with `privacy: {key: …}`"
_KEPT = "only with `privacy: {properties: keep}`"

FIELDS: FieldMappings = {
    "conversations": {
        "data.result[].id": to("conversation.conversation_id"),
        "data.result[].firstMessageTime": to("conversation.started_at", is_routing=True),
        "data.result[].userMessageCount": to(
            "conversation_daily.user_messages", "conversation.user_messages", RECONCILIATION
        ),
        "data.result[].type": to("type_daily.type", "conversation.type"),
        "data.result[].projectId": to("conversation.project_id"),
        "data.result[].integrationId": to("conversation.integration_id"),
        "data.result[].organizationId": not_landed("not asked for: one key belongs to one organisation"),
        "data.result[].userProperties.userId": to(*_USER, note=_PSEUDONYM),
        "data.result[].userProperties.id": to(*_USER, note=f"where there is no `userId`; {_PSEUDONYM}"),
        "data.result[].userProperties": to("conversation.properties", note=f"all but the ids, {_KEPT}"),
        "data.result[].properties": to("conversation.properties", note=_KEPT),
        **_ENVELOPE,
    },
    "conversation_totals": {
        "data.result[].count": to(
            "conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION, note="a column only with `detail: false`"
        ),
        "data.result[].sum_userMessageCount": to(
            "conversation_daily.user_messages", LEDGER_TOTALS, RECONCILIATION, note="a column only with `detail: false`"
        ),
        "data.result[].countDistinct_userProperties.userId": not_loaded(
            "no `unique_users`: it leaves out people who are known by `id` alone"
        ),
        "data.result[].firstMessageTime_day": to(is_routing=True),
        **_ENVELOPE,
    },
}
