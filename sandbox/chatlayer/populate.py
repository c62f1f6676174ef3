"""The values of a Chatlayer conversation: channel, language, bot and version, intents, and the steps of its flow.

Random values only; the series over them are in `api` and `truth`.
"""

from datetime import timedelta
from random import Random

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation, Transition
from sandbox.sample_values import LANGUAGES, STEPS
from sandbox.sampling import list_members, pick_intents, pick_skewed

CHANNELS = ("webchat", "whatsapp", "facebook", "voice", "qx-new", "")


def populate_conversation(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Fill in the values of a new conversation; one in ten belongs to the version that the account does not read."""
    item.channel = pick_skewed(rng, account.pool("channels", CHANNELS))
    item.language = pick_skewed(rng, account.pool("languages", LANGUAGES))
    item.bot_id = account.external_id
    other_version = "DRAFT" if account.version == "LIVE" else "LIVE"
    item.version = other_version if rng.random() < 0.1 else account.version
    item.intents = pick_intents(rng, account)
    item.new_user = str(item.user).endswith(("0", "1", "2"))
    depth = rng.randrange(0, 4)
    steps = list_members(account.pool("steps", STEPS))
    item.flow = tuple(
        Transition(
            id=f"{item.id}-tr{index}",
            from_id=steps[index],
            from_type="bot-dialog" if index % 2 else "goto",
            to_id=steps[index + 1],
            to_type="user-input",
            depth=index,
            at=item.started_at + timedelta(milliseconds=index * 1500),
        )
        for index in range(depth)
    )
