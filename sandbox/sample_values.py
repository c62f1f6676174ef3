"""Invented member names that several vendors use, awkward on purpose: they break careless quoting or normalisation.

Pools only; a pool of one vendor is in its `populate` module. No intent holds `|`, which separates intents in a
ChatCaptain export.
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
STEPS = ("start", "Ask name?", "handover", 'ende "gut"', "null", "étape 4", "fallback")
END_REASONS = ("user_hangup", "bot_hangup", "transfer", "NA", "timeout; silence", "")
LANGUAGES = ("de", "DE", "en", "en-us", "pt-br", "pt-PT", "zh-hans-cn", "")
