"""The dimensions of the star. What must not come in: anything but their declaration.

Every dimension except dim_date has a row with key 0, `unknown`. There are no primary keys: an index makes loading
many times slower, and each commit keeps the members unique.
"""

from sqlalchemy import Date, Integer, MetaData, SmallInteger, Table

from warehouse.model.columns import FLAG, TEXT, account_key, attribute, date_column, surrogate_key

metadata = MetaData()

dim_date = Table(
    "dim_date",
    metadata,
    date_column("The calendar day itself."),
    attribute("year", SmallInteger(), "Calendar year.", nullable=False),
    attribute("quarter", SmallInteger(), "Quarter of the year, 1 to 4.", nullable=False),
    attribute("month", SmallInteger(), "Month of the year, 1 to 12.", nullable=False),
    attribute("month_name", TEXT, "English name of the month.", nullable=False),
    attribute("year_month", TEXT, "Month as YYYY-MM, for grouping.", nullable=False),
    attribute("day_of_month", SmallInteger(), "Day of the month, 1 to 31.", nullable=False),
    attribute("iso_year", SmallInteger(), "Year that the ISO 8601 week belongs to.", nullable=False),
    attribute("iso_week", SmallInteger(), "ISO 8601 week, 1 to 53.", nullable=False),
    attribute("weekday", SmallInteger(), "ISO 8601 weekday, 1 is Monday.", nullable=False),
    attribute("weekday_name", TEXT, "English name of the weekday.", nullable=False),
    attribute("is_weekend", FLAG, "Saturday or Sunday.", nullable=False),
    comment="One row per day from the first to the last that was ever loaded, without holes. Joins every fact by date.",
)

dim_account = Table(
    "dim_account",
    metadata,
    surrogate_key("account", "account"),
    attribute("account", TEXT, "The account's name in the configuration.", nullable=False),
    attribute("provider", TEXT, "The platform the account lives on.", nullable=False),
    attribute("external_id", TEXT, "The provider's id of the project, bot or chatbot."),
    attribute("timezone", TEXT, "IANA zone whose calendar days the account's slices are."),
    attribute("start_date", Date(), "First local day that must be loaded; NULL: the day of the first slice."),
    attribute("lookback_days", Integer(), "Days after which a slice is settled: its numbers no longer move."),
    attribute("is_active", FLAG, "The account is in the present configuration.", nullable=False),
    attribute("privacy", TEXT, "Mark of its privacy settings and their key; NULL: no fact depends on them."),
    attribute("labels", TEXT, "The account's labels in the configuration, such as customer and brand: a JSON object."),
    comment="One row per account that was ever configured; a removed one stays with is_active = false.",
)

dim_channel = Table(
    "dim_channel",
    metadata,
    surrogate_key("channel", "provider|channel_code"),
    attribute("provider", TEXT, "The platform that uses the code.", nullable=False),
    attribute("channel_code", TEXT, "The provider's own spelling.", nullable=False),
    attribute("channel", TEXT, "Conformed name: webchat, whatsapp, voice, ..., other, unknown.", nullable=False),
    attribute(
        "channel_group",
        TEXT,
        "One of web, messaging, voice, email, agent, api, test, unknown.",
        nullable=False,
    ),
    attribute("is_test", FLAG, "A channel for tests of the bot, not for its users.", nullable=False),
    comment="Channels in the spelling of each provider, with the conformed name.",
)

dim_intent = Table(
    "dim_intent",
    metadata,
    surrogate_key("intent", "account|intent"),
    account_key(),
    attribute("intent", TEXT, "The intent's name or id, code point for code point as reported.", nullable=False),
    attribute(
        "intent_folded",
        TEXT,
        "The same without capitals and accents: spellings of one intent share it.",
        nullable=False,
    ),
    comment="Intents belong to one account: equal names at two accounts are two intents.",
)

dim_language = Table(
    "dim_language",
    metadata,
    surrogate_key("language", "language_code"),
    attribute("language_code", TEXT, "BCP 47 tag in canonical case, such as pt-BR.", nullable=False),
    attribute("language", TEXT, "Its lower-case base, such as pt.", nullable=False),
    comment="Languages of conversations.",
)

dim_country = Table(
    "dim_country",
    metadata,
    surrogate_key("country", "country_code"),
    attribute("country_code", TEXT, "ISO 3166-1 alpha-2, upper case (NA is Namibia).", nullable=False),
    attribute("country", TEXT, "English short name of ISO 3166.", nullable=False),
    comment="Countries of visitors.",
)

dim_metric = Table(
    "dim_metric",
    metadata,
    surrogate_key("metric", "metric"),
    attribute("metric", TEXT, "Name of the metric, the same at all providers that report it.", nullable=False),
    attribute("unit", TEXT, "Unit of the values: conversations, seconds, characters, ...", nullable=False),
    attribute(
        "additivity",
        TEXT,
        "additive: may be summed over days and members; not additive: never.",
        nullable=False,
    ),
    attribute("description", TEXT, "Meaning of the number."),
    comment="The metrics of fact_metric_daily, with unit and meaning.",
)
