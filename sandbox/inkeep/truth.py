"""The truth of an Inkeep account after docs/mapping.md: rows by their first message.

Computed from conversations only; no response is read. `streams=("conversation_totals",)` is an account with
`detail: false`.
"""

from collections.abc import Iterable, Mapping

from sandbox.inkeep.shapes import InkeepShapes
from sandbox.truth_rules import BLANK_CONVERSATION, Row, Rule, TruthQuery, sum_by_member

Query = TruthQuery[InkeepShapes]


def compute_conversation_daily(query: Query) -> Iterable[Row]:
    """Yield one row. Users are counted only from rows, as text, from either of the two fields that may name them."""
    is_reported = bool(query.streams & {"conversations", "conversation_totals"})
    users = {str(item.user) for item in query.conversations if item.user is not None}
    yield {
        "conversations": len(query.conversations) if is_reported else None,
        "user_messages": sum(item.user_messages for item in query.conversations) if is_reported else None,
        "unique_users": query.get_if_pulled("conversations", len(users)),
    }


def compute_type_daily(query: Query) -> Iterable[Row]:
    """Yield conversations per type."""
    if "conversations" in query.streams:
        for name, number in sum_by_member((item.type or "", 1) for item in query.conversations).items():
            yield {"type": name, "conversations": number}


def compute_conversation(query: Query) -> Iterable[Row]:
    """Yield one row per conversation; users and properties are dropped without a privacy setting."""
    if "conversations" in query.streams:
        for item in query.conversations:
            yield {
                **BLANK_CONVERSATION,
                "conversation_id": item.id,
                "started_at": item.started_at,
                "type": item.type,
                "project_id": item.project_id,
                "integration_id": item.integration_id,
                "user_messages": item.user_messages,
            }


RULES: Mapping[str, Rule[InkeepShapes]] = {
    "conversation_daily": compute_conversation_daily,
    "type_daily": compute_type_daily,
    "conversation": compute_conversation,
}
