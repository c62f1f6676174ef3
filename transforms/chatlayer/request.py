"""Which request a response of Chatlayer answers, under the names that the provider uses for it.

What must not come in: a response's body.
"""

from datetime import datetime
from urllib.parse import unquote

from transforms.chunk import LandedResponse
from transforms.request_echo import RequestedValues

_SUBJECTS = {"bots": "bot_id", "teams": "team_id"}
_INSTANTS = ("start_time", "end_time")
_TEXTS = ("version", "bucket", "stat")


def describe_request(response: LandedResponse) -> RequestedValues:
    """Return the parameters of a response's request, and the bot or team of its path."""
    query = response.request["query"]
    path: str = response.request["path"]
    parts = path.split("/")  # "", "v1", "bots", the bot's id, …
    subject = {_SUBJECTS[parts[2]]: unquote(parts[3])} if len(parts) > 3 and parts[2] in _SUBJECTS else {}
    return {
        **{name: query[name] for name in _TEXTS if name in query},
        **{name: datetime.fromisoformat(query[name]) for name in _INSTANTS if name in query},
        **subject,
    }
