"""The facts that Chatlayer's requests hand on to the transform with each response, in ``Response.context``.

Streams without a class here have no context.
"""

from typing import TypedDict


class TeamUsageContext(TypedDict):
    """Of the stream ``team_usage``: the team whose usage was requested."""

    team_id: str


FlowContext = TypedDict("FlowContext", {"conversation_id": str, "found": bool})  # noqa: UP013 - keys of landed files
"""Of the stream ``flow``: the conversation, and whether the provider knows it (``found`` is False after a 404)."""
