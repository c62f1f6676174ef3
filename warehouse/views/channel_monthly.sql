-- A month's conversations by conformed channel. A breakdown of conversation_monthly: never add it to another breakdown.
-- Test channels are included and marked by is_test, so that the rows add up to channel_daily; WHERE NOT is_test gives
-- the traffic of users.
SELECT
    CAST(date_trunc('month', f.date) AS DATE) AS month, a.provider, a.account,
    c.channel, c.channel_group, c.is_test,
    CAST(sum(f.conversations) AS BIGINT) AS conversations,
    CAST(sum(f.messages) AS BIGINT) AS messages,
    CAST(sum(f.interactions) AS BIGINT) AS interactions,
    CAST(sum(f.call_duration_seconds) AS DECIMAL(38, 3)) AS call_duration_seconds
FROM fact_channel_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
GROUP BY ALL
