"""The values of a Cognigy conversation: its channel, billable units, knowledge queries, and the call if it is one.

Random values only; the counters over them are in `api` and `truth`.
"""

from random import Random

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.sampling import make_call, pick_skewed

VOICE_CHANNEL = "voiceGateway2"
CHANNELS = ("webchat2", "webchat3", VOICE_CHANNEL, "whatsapp", "microsoftTeams", "qx-new", "")


def populate_conversation(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Fill in the values of a new conversation."""
    item.channel = pick_skewed(rng, account.pool("channels", CHANNELS))
    item.billable_units = 1 + item.messages // 40
    item.knowledge_queries = rng.randrange(0, 3)
    if item.channel == VOICE_CHANNEL:
        make_call(rng, account, item)
