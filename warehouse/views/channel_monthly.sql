-- A month's conversations by conformed channel. A breakdown of conversation_monthly: never add it to another breakdown.
-- Test channels are included and marked by is_test, so that the rows add up to channel_daily; WHERE NOT is_test gives
-- the traffic of users. A month may be loaded in part: see days.
--   days: Days of the month whose channels are known: those with a channel, and those without any conversation.
WITH known AS (
    SELECT account_key, date FROM fact_channel_daily
    UNION
    SELECT account_key, date FROM fact_conversation_daily WHERE conversations = 0
),
known_days AS (
    SELECT account_key, date_trunc('month', date) AS month, count(*) AS days
    FROM known
    GROUP BY ALL
)
SELECT
    CAST(date_trunc('month', f.date) AS DATE) AS month, a.provider, a.account,
    c.channel, c.channel_group, c.is_test,
    k.days, day(last_day(k.month)) AS days_in_month,
    TRY_CAST(sum(f.conversations) AS BIGINT) AS conversations,
    TRY_CAST(sum(f.messages) AS BIGINT) AS messages,
    TRY_CAST(sum(f.interactions) AS BIGINT) AS interactions,
    CAST(sum(f.call_duration_seconds) AS DECIMAL(38, 3)) AS call_duration_seconds,
    any_value(a.labels) AS labels
FROM fact_channel_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
JOIN known_days AS k ON k.account_key = f.account_key AND k.month = date_trunc('month', f.date)
GROUP BY ALL
