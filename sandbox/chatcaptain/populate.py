"""The values of a ChatCaptain conversation: channel, language, intents, steps, and the call if the channel takes calls.

Random values only; the reports and the export over them are in their own modules.
"""

from decimal import Decimal
from random import Random

from sandbox.account import SandboxAccount
from sandbox.chatcaptain.channels import CALL_CHANNEL_TYPES
from sandbox.conversations import Conversation
from sandbox.sample_values import LANGUAGES, STEPS
from sandbox.sampling import make_call, pick_evenly, pick_intents, pick_skewed

TRANSFER_TARGETS = ("sip:desk@example.test", "+49 30 000000", 'Team "B", 2nd floor', "front\ndesk", "NA")


def populate_conversation(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Fill in the values of a new conversation."""
    channel = pick_skewed(rng, account.pool("channels", account.channels))
    item.channel_id, item.channel = channel.id, channel.type
    item.language = pick_skewed(rng, account.pool("languages", LANGUAGES))
    item.intents = pick_intents(rng, account, repeat=True)
    if item.intents:
        item.intent_score = Decimal(rng.randrange(0, 10_001)).scaleb(-4)
    steps = account.pool("steps", STEPS)
    item.steps = tuple(pick_skewed(rng, steps) for _ in range(rng.randrange(0, 4)))
    item.message_length = rng.randrange(1, 200)
    if item.channel in CALL_CHANNEL_TYPES:
        make_call(rng, account, item)
        item.exit_step = pick_skewed(rng, steps)
        if item.end_reason == "transfer":
            item.transfer_target = pick_evenly(rng, account.pool("transfer_targets", TRANSFER_TARGETS))
