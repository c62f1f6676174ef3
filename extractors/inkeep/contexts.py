"""The facts that Inkeep's requests hand on to the transform with each response, in ``Response.context``.

Streams without a class here have no context.
"""

from typing import TypedDict


class ConversationTotalsContext(TypedDict):
    """Of the stream ``conversation_totals``: the days of a response.

    ``days`` is the text of a ``Window`` of local days. ``by_day``: one row a day (UTC) instead of one row in all.
    """

    days: str
    by_day: bool
