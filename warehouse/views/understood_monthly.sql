-- How well a bot understood its users, by account and month. Only days that tell both numbers count. An account whose
-- provider does not tell them has days = 0 and NULL, never a rate of 0 or 1.
--   days: Days of the month that tell both numbers.
--   understood_rate: Share of understood_messages in both together. A rate: never add or average it.
WITH told AS (
    SELECT
        account_key, date,
        CASE WHEN misunderstood_messages IS NOT NULL THEN understood_messages END AS understood_messages,
        CASE WHEN understood_messages IS NOT NULL THEN misunderstood_messages END AS misunderstood_messages
    FROM fact_conversation_daily
),
monthly AS (
    SELECT
        CAST(date_trunc('month', t.date) AS DATE) AS month, a.provider, a.account,
        count(t.understood_messages) AS days,
        CAST(sum(t.understood_messages) AS BIGINT) AS understood_messages,
        CAST(sum(t.misunderstood_messages) AS BIGINT) AS misunderstood_messages
    FROM told AS t
    JOIN dim_account AS a ON a.account_key = t.account_key
    GROUP BY ALL
)
SELECT
    month, provider, account, days, understood_messages, misunderstood_messages,
    CAST(understood_messages / nullif(understood_messages + misunderstood_messages, 0) AS DECIMAL(9, 6))
        AS understood_rate
FROM monthly
