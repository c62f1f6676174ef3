"""The invented member names, awkward on purpose: what breaks a careless quote, trim, case fold or normalisation.

Pools only. A pool holds no `|`, which separates intents in a ChatCaptain export.
"""

INTENTS = (
    "order.status",
    "Order.Status",
    "refund",
    'say "hello"',
    "it's, complicated; really",
    "caf\u00e9",
    "cafe\u0301",
    "null",
    "NA",
    " leading and trailing ",
    "🤖 handover",
    "'; DROP TABLE conversation; --",
    "None",
    "0",
    "=1+1",
    "tab\there",
    "日本語の質問",
    "long " + "very " * 60 + "long",
)
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
STEPS = ("start", "Ask name?", "handover", 'ende "gut"', "null", "étape 4", "fallback")
END_REASONS = ("user_hangup", "bot_hangup", "transfer", "NA", "timeout; silence", "")
TRANSFER_TARGETS = ("sip:desk@example.test", "+49 30 000000", 'Team "B", 2nd floor', "front\ndesk", "NA")
LANGUAGES = ("de", "DE", "en", "en-us", "pt-br", "pt-PT", "zh-hans-cn", "")
COUNTRIES = ("DE", "de", "US", "NA", "GB", "BR", "JP", "")
COGNIGY_CHANNELS = ("webchat2", "webchat3", "voiceGateway2", "whatsapp", "microsoftTeams", "qx-new", "")
CHATLAYER_CHANNELS = ("webchat", "whatsapp", "facebook", "voice", "qx-new", "")
INKEEP_TYPES = ("openai", "support_ticket", "support_copilot", None)
MISUNDERSTOOD = ("wat?", 'I said: "no"', "null", "Ünïcödé ?", "a,b;c", "123")
