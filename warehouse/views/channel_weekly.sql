-- An ISO week's conversations by conformed channel. A breakdown of conversation_weekly: never add it to another one.
-- Test channels are included and marked by is_test, so that the rows add up to channel_daily; WHERE NOT is_test gives
-- the traffic of users. A week may be loaded in part: see days.
--   days: Days of the week whose channels are known: those with a channel, and those without any conversation.
WITH known AS (
    SELECT account_key, date FROM fact_channel_daily
    UNION
    SELECT account_key, date FROM fact_conversation_daily WHERE conversations = 0
),
known_days AS (
    SELECT account_key, date_trunc('week', date) AS week, count(*) AS days
    FROM known
    GROUP BY ALL
)
SELECT
    CAST(date_trunc('week', f.date) AS DATE) AS week, a.provider, a.account,
    d.iso_year, d.iso_week,
    c.channel, c.channel_group, c.is_test,
    k.days,
    TRY_CAST(sum(f.conversations) AS BIGINT) AS conversations,
    TRY_CAST(sum(f.messages) AS BIGINT) AS messages,
    TRY_CAST(sum(f.interactions) AS BIGINT) AS interactions,
    CAST(sum(f.call_duration_seconds) AS DECIMAL(38, 3)) AS call_duration_seconds,
    any_value(a.labels) AS labels
FROM fact_channel_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
JOIN dim_date AS d ON d.date = f.date
JOIN known_days AS k ON k.account_key = f.account_key AND k.week = date_trunc('week', f.date)
GROUP BY ALL
