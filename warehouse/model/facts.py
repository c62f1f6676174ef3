"""The facts of the star: grain, members and measures of each. What must not come in: anything but their declaration.

The order of the columns is the order of the staged tables, which have the natural member in place of a key, and no
account. A fact whose info has `counted_as` holds single events: its restatements are logged as sums per day, not row
by row.
"""

from sqlalchemy import Integer, Table

from warehouse.model.columns import (
    ADDITIVE,
    COUNT,
    FLAG,
    INSTANT,
    MONEY,
    NOT_ADDITIVE,
    SCORE,
    SECONDS,
    VALUE,
    account_key,
    date_column,
    degenerate_dimension,
    dimension_key,
    measure,
)
from warehouse.model.dimensions import metadata

fact_conversation_daily = Table(
    "fact_conversation_daily",
    metadata,
    account_key(),
    date_column(),
    measure(
        "conversations",
        COUNT,
        "conversations",
        ADDITIVE,
        "Conversations as the provider counts them; at Cognigy these are billable units, not chats.",
    ),
    measure("messages", COUNT, "messages", ADDITIVE, "Messages of users and bot."),
    measure("user_messages", COUNT, "messages", ADDITIVE, "Messages that users wrote."),
    measure("interactions", COUNT, "interactions", ADDITIVE, "Interactions as the provider counts them."),
    measure("understood_messages", COUNT, "messages", ADDITIVE, "User messages that the bot understood."),
    measure("misunderstood_messages", COUNT, "messages", ADDITIVE, "User messages that the bot missed."),
    measure(
        "unique_users",
        COUNT,
        "users",
        NOT_ADDITIVE,
        "Distinct users of the day (at ChatDash distinct IP addresses); a sum over days counts people again.",
    ),
    measure("call_duration_seconds", SECONDS, "seconds", ADDITIVE, "Length of all voice calls."),
    measure("cost_amount", MONEY, "cost_currency", ADDITIVE, "Cost reported by the provider; add within one currency."),
    degenerate_dimension("cost_currency", "ISO 4217 code of cost_amount as reported; NULL where none was reported."),
    measure("tokens", COUNT, "tokens", ADDITIVE, "Tokens of language models."),
    comment="Totals of an account and day, as the provider reports them. Exactly one row per loaded slice.",
)

fact_channel_daily = Table(
    "fact_channel_daily",
    metadata,
    account_key(),
    date_column(),
    dimension_key("channel", "channel_code"),
    measure("conversations", COUNT, "conversations", ADDITIVE, "Conversations in the channel (provider's unit)."),
    measure("messages", COUNT, "messages", ADDITIVE, "Messages in the channel."),
    measure("interactions", COUNT, "interactions", ADDITIVE, "Interactions in the channel."),
    measure("call_duration_seconds", SECONDS, "seconds", ADDITIVE, "Length of the channel's voice calls."),
    comment="A day's conversations by channel. A breakdown of the totals: never add it to another one.",
)

fact_intent_daily = Table(
    "fact_intent_daily",
    metadata,
    account_key(),
    date_column(),
    dimension_key("intent", "intent"),
    measure("hits", COUNT, "hits", ADDITIVE, "How often the intent was recognised."),
    measure("rank", Integer(), "place", NOT_ADDITIVE, "Place in the day's list; 1 is the first.", role="position"),
    degenerate_dimension(
        "is_top_n", "The list is cut off: the hits of an intent that it leaves out are unknown, not zero.", FLAG
    ),
    comment="A day's intents.",
)

fact_language_daily = Table(
    "fact_language_daily",
    metadata,
    account_key(),
    date_column(),
    dimension_key("language", "language_code"),
    measure("conversations", COUNT, "conversations", ADDITIVE, "Conversations in the language."),
    comment="A day's conversations by language. A breakdown of the totals: never add it to another one.",
)

fact_country_daily = Table(
    "fact_country_daily",
    metadata,
    account_key(),
    date_column(),
    dimension_key("country", "country_code"),
    measure("conversations", COUNT, "conversations", ADDITIVE, "Conversations from the country."),
    comment="A day's conversations by country. A breakdown of the totals: never add it to another one.",
)

fact_metric_daily = Table(
    "fact_metric_daily",
    metadata,
    account_key(),
    date_column(),
    dimension_key("metric", "metric"),
    degenerate_dimension("member", "Member that the value belongs to, as reported; NULL for a scalar.", grain=True),
    degenerate_dimension("channel_id", "The provider's channel id where the value belongs to one channel.", grain=True),
    measure(
        "value",
        VALUE,
        "dim_metric.unit",
        "additivity as dim_metric says",
        "The number; NULL where the provider reported NULL.",
    ),
    comment="All other numbers that a provider reports, one value per row; unit and additivity are in dim_metric.",
)

fact_team_daily = Table(
    "fact_team_daily",
    metadata,
    account_key(),
    date_column("Calendar day in UTC, in every zone: the provider counts a team's usage by UTC day only."),
    degenerate_dimension("bot_id", "The provider's bot id.", grain=True, nullable=False),
    degenerate_dimension("bot_version", "DRAFT, LIVE, ... as reported.", grain=True, nullable=False),
    dimension_key("channel", "channel_code"),
    dimension_key("language", "language_code"),
    measure("conversations", COUNT, "conversations", ADDITIVE, "Conversations of the bot and version."),
    comment="Usage of all bots of a team, drafts included: not part of any account's totals.",
)

fact_conversation = Table(
    "fact_conversation",
    metadata,
    account_key(),
    date_column("Local day of started_at in the account's zone."),
    degenerate_dimension("conversation_id", "The provider's id of the conversation.", grain=True, nullable=False),
    degenerate_dimension("started_at", "Instant of the first message.", INSTANT),
    degenerate_dimension("ended_at", "Instant of the end.", INSTANT),
    dimension_key("channel", "channel_code", grain=False),
    dimension_key("language", "language_code", grain=False),
    degenerate_dimension("type", "Kind of conversation, as reported."),
    degenerate_dimension("project_id", "The provider's project id."),
    degenerate_dimension("integration_id", "The provider's id of the integration."),
    measure("messages", COUNT, "messages", ADDITIVE, "Messages of users and bot."),
    measure("user_messages", COUNT, "messages", ADDITIVE, "Messages that the user wrote."),
    measure("interactions", COUNT, "interactions", ADDITIVE, "Interactions as the provider counts them."),
    measure("duration_seconds", SECONDS, "seconds", ADDITIVE, "Length of the conversation."),
    degenerate_dimension("end_reason", "Why it ended, as reported."),
    degenerate_dimension("transfer_target", "Target to which it was handed over."),
    degenerate_dimension("user_id", "Keyed hash of the user's id; NULL without a privacy key."),
    degenerate_dimension("properties", "JSON text of free-form properties; NULL unless the configuration keeps them."),
    comment="One row per conversation, for providers that report single conversations.",
    info={"counted_as": "conversations"},
)

fact_conversation_intent = Table(
    "fact_conversation_intent",
    metadata,
    account_key(),
    date_column("Local day of the conversation."),
    degenerate_dimension("conversation_id", "The provider's id of the conversation.", grain=True, nullable=False),
    dimension_key("intent", "intent"),
    measure("hits", COUNT, "hits", ADDITIVE, "How often the intent was recognised in the conversation."),
    measure("score", SCORE, "score", NOT_ADDITIVE, "Confidence of the recognition."),
    comment="Intents of single conversations.",
    info={"counted_as": "intents"},
)

fact_flow_transition = Table(
    "fact_flow_transition",
    metadata,
    account_key(),
    date_column("Local day of the transition (of `at`)."),
    degenerate_dimension("conversation_id", "The provider's id of the conversation.", grain=True, nullable=False),
    degenerate_dimension("transition_id", "The provider's id of the transition.", grain=True, nullable=False),
    degenerate_dimension("from_step_id", "Step that the conversation left."),
    degenerate_dimension("from_step_type", "Kind of that step."),
    degenerate_dimension("to_step_id", "Step that the conversation reached."),
    degenerate_dimension("to_step_type", "Kind of that step."),
    measure("depth", COUNT, "steps", NOT_ADDITIVE, "Number of steps from the start.", role="position"),
    degenerate_dimension("at", "Instant of the transition.", INSTANT),
    comment="Transitions between steps of single conversations.",
    info={"counted_as": "transitions"},
)

FACTS: tuple[Table, ...] = (
    fact_conversation_daily,
    fact_channel_daily,
    fact_intent_daily,
    fact_language_daily,
    fact_country_daily,
    fact_metric_daily,
    fact_team_daily,
    fact_conversation,
    fact_conversation_intent,
    fact_flow_transition,
)
