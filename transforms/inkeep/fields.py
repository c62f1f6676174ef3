"""Every field of Inkeep's responses and where it lands; their known shape is derived from this list.

What must not come in: how a field is read (``transform.py``).
"""

from transforms.erasure import JsonRecords
from transforms.field_mapping import (
    LEDGER_TOTALS,
    RECONCILIATION,
    ROUTING,
    FieldMappings,
    derive_shapes,
    not_landed,
    not_loaded,
    set_body_path,
    to,
)

_DISTINCT_USERS = "countDistinct_userProperties.userId"

_STATUS = to(is_routing=True, note="a response that is not `ok` is refused")
_PAGE = {
    f"data.{name}": not_loaded("only shows whether rows are missing, which are then requested")
    for name in ("total", "pageSize", "count")
}
_TOTALS_PAGE = {
    f"data.{name}": to(is_routing=True, note="a response with fewer rows is refused") for name in ("total", "count")
}
_USER = ("conversation_daily.unique_users", "conversation.user_id")
_PSEUDONYM = "`user_id` is a pseudonym, only with `privacy: {key: …}`"
_ONLY_WITH_PROPERTIES = "only with `privacy: {properties: keep}`"

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
        "data.result[].organizationId": not_landed("not requested, because a key belongs to one organisation"),
        "data.result[].userProperties.userId": to(*_USER, note=_PSEUDONYM),
        "data.result[].userProperties.id": to(*_USER, note=f"without a `userId`; {_PSEUDONYM}"),
        "data.result[].userProperties": to("conversation.properties", note=f"without the ids; {_ONLY_WITH_PROPERTIES}"),
        "data.result[].properties": to("conversation.properties", note=_ONLY_WITH_PROPERTIES),
        "status": _STATUS,
        **_PAGE,
    },
    "conversation_totals": {
        "data.result[].count": to(
            "conversation_daily.conversations", LEDGER_TOTALS, RECONCILIATION, note="a column only with `detail: false`"
        ),
        "data.result[].sum_userMessageCount": to(
            "conversation_daily.user_messages", LEDGER_TOTALS, RECONCILIATION, note="a column only with `detail: false`"
        ),
        f"data.result[].{_DISTINCT_USERS}": set_body_path(  # one key, which holds a dot
            not_loaded("not used for `unique_users`: it omits people who are known by `id` alone"),
            "data",
            "result",
            _DISTINCT_USERS,
        ),
        "data.result[].firstMessageTime_day": ROUTING,
        "status": _STATUS,
        **_PAGE,
        **_TOTALS_PAGE,
    },
}

SHAPES = derive_shapes(FIELDS)

PERSONAL = {
    "conversations": JsonRecords(
        ("data", "result"),
        user_ids=(("userProperties", "userId"), ("userProperties", "id")),
        conversation_id="id",
        kept=("firstMessageTime", "userMessageCount", "type", "projectId", "integrationId"),
    ),
}
"""The rows of people; all that is free-form in them is theirs."""
