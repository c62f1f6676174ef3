"""The values of a ChatDash conversation: country, IP address, cost, intents, understanding, tokens and topics.

Random values only; the metrics over them are in `api` and `truth`.
"""

from decimal import Decimal
from random import Random

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.sampling import make_call, pick_evenly, pick_intents, pick_skewed

TOPICS = (
    ("t1", "Billing"),
    ("t1", "billing"),
    ("t2", "Liefer­zeit"),
    ("t2", "null"),
    ("t3", 'A "quoted", topic'),
    ("t4", "Zürich\u00a0HB"),
    ("t5", "NA"),
    ("t5", "Z\u0308u\u0308ge"),
    ("t6", "👍🏽"),
    ("t7", "returns; & exchanges"),
    ("t8", " "),
    ("t9", "opening hours"),
)
MODELS = ("gpt-4o", "GPT-4o", "claude-3.5", "my model; v2")
COUNTRIES = ("DE", "de", "US", "NA", "GB", "BR", "JP", "")
MISUNDERSTOOD_TEXTS = ("wat?", 'I said: "no"', "null", "Ünïcödé ?", "a,b;c", "123")


def populate_conversation(rng: Random, account: SandboxAccount, item: Conversation) -> None:
    """Fill in the values of a new conversation; three in ten are calls."""
    if rng.random() < (account.profile.call_share if account.profile else 0.3):
        make_call(rng, account, item)
    item.country = pick_skewed(rng, account.pool("countries", COUNTRIES))
    item.ip = f"192.0.2.{rng.randrange(min(254, account.daily_conversations))}"
    item.cost = Decimal(rng.randrange(0, 400_000)).scaleb(-6)
    item.intents = pick_intents(rng, account)
    item.missed_messages = rng.randrange(0, 2) if item.user_messages else 0
    texts = account.pool("misunderstood_texts", MISUNDERSTOOD_TEXTS)
    item.misunderstood_texts = tuple(pick_evenly(rng, texts) for _ in range(item.missed_messages))
    item.understood_messages = max(0, item.user_messages - item.missed_messages - rng.randrange(0, 2))
    item.classified_messages = max(item.understood_messages + item.missed_messages, item.user_messages)
    models = account.pool("models", MODELS)
    item.tokens = tuple((pick_skewed(rng, models), rng.randrange(1, 3000)) for _ in range(rng.randrange(0, 3)))
    topics = account.pool("topics", TOPICS)
    item.topics = tuple({pick_skewed(rng, topics) for _ in range(rng.randrange(0, 3))})
