"""The values of an Inkeep conversation: its user, type, project, integration and properties.

Random values only; the query language over them is in `query`.
"""

from random import Random

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.sampling import pick_evenly

TYPES = ("openai", "support_ticket", "support_copilot", None)


def populate_conversation(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Fill in the values of a new conversation. A user id is a number, the same as text, a name, or absent."""
    number = rng.randrange(40)
    item.user = (number, str(number), f"user-{number}", None)[rng.randrange(4)]
    item.user_field = "userId" if rng.random() < 0.7 else "id"
    item.type = pick_evenly(rng, account.pool("types", TYPES))
    item.project_id = None if rng.random() < 0.2 else "prj-fake-1"
    item.integration_id = None if rng.random() < 0.2 else f"int-fake-{rng.randrange(3)}"
    if rng.random() < 0.6:
        item.properties = {"page": f"/docs/{rng.randrange(9)}", "nested": {"a": [1, None, "é"]}}
