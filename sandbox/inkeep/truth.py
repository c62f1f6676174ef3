"""What the views hold of an Inkeep account, by docs/mapping.md: rows by their first message.

From conversations only. `streams=("conversation_totals",)` is an account that says `detail: false`.
"""

from collections.abc import Callable, Iterable

from sandbox.truth_rules import BLANK_CONVERSATION, Row, TruthQuery, sum_by_member


def conversation_daily(ask: TruthQuery) -> Iterable[Row]:
    """One row; users are counted as text, whichever of the two fields names them, and only from rows."""
    told = bool(ask.streams & {"conversations", "conversation_totals"})
    users = {str(item.user) for item in ask.conversations if item.user is not None}
    yield {
        "conversations": len(ask.conversations) if told else None,
        "user_messages": sum(item.user_messages for item in ask.conversations) if told else None,
        "unique_users": ask.value_if_pulled("conversations", len(users)),
    }


def type_daily(ask: TruthQuery) -> Iterable[Row]:
    """Conversations per type."""
    if "conversations" in ask.streams:
        for name, number in sum_by_member((item.type or "", 1) for item in ask.conversations).items():
            yield {"type": name, "conversations": number}


def conversation(ask: TruthQuery) -> Iterable[Row]:
    """One row per conversation; users and properties are dropped without a privacy setting."""
    if "conversations" in ask.streams:
        for item in ask.conversations:
            yield {
                **BLANK_CONVERSATION,
                "conversation_id": item.id,
                "started_at": item.started_at,
                "type": item.type,
                "project_id": item.project_id,
                "integration_id": item.integration_id,
                "user_messages": item.user_messages,
            }


RULES: dict[str, Callable[[TruthQuery], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "type_daily": type_daily,
    "conversation": conversation,
}
