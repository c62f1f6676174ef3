"""The facts that Chatlayer's requests hand on to the transform with each response, in ``Response.context``.

Streams without a class here have no context.
"""

from typing import TypedDict


class TeamUsageContext(TypedDict):
    """Of the stream ``team_usage``: the team whose usage was requested."""

    team_id: str


class FlowContext(TypedDict):
    """Of the stream ``flow``: the conversation, and whether the provider knows it (False after a 404)."""

    conversation_id: str
    found: bool
