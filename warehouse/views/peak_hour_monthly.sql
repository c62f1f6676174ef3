-- The local hour in which most conversations of a month began, by account, for providers that report single
-- conversations; of equal ones the first. Test channels are left out. A month may be loaded in part: see days.
--   days: Days of the month with a conversation whose beginning is known.
--   hour: Hour of the account's local day, 0 to 23.
--   conversations: Conversations that began in this hour.
--   all_conversations: Conversations of all hours.
--   hour_share: conversations / all_conversations. A rate: never add or average it.
WITH hourly AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, provider, account, hour,
        sum(conversations) AS conversations
    FROM conversation_hourly
    WHERE NOT is_test
    GROUP BY ALL
),
monthly AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, account,
        count(DISTINCT date) AS days, sum(conversations) AS conversations, any_value(labels) AS labels
    FROM conversation_hourly
    WHERE NOT is_test
    GROUP BY ALL
),
peaks AS (
    SELECT month, provider, account, hour, conversations
    FROM hourly
    QUALIFY row_number() OVER (PARTITION BY month, account ORDER BY conversations DESC, hour) = 1
)
SELECT
    p.month, p.provider, p.account,
    m.days, day(last_day(p.month)) AS days_in_month,
    p.hour, CAST(p.conversations AS BIGINT) AS conversations,
    CAST(m.conversations AS BIGINT) AS all_conversations,
    CAST(p.conversations / m.conversations AS DECIMAL(9, 6)) AS hour_share,
    m.labels
FROM peaks AS p
JOIN monthly AS m ON m.month = p.month AND m.account = p.account
