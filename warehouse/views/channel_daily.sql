-- A day's conversations by channel. A breakdown of conversation_daily: never add it to another breakdown.
SELECT
    f.date, a.provider, a.account,
    c.channel_code, c.channel, c.channel_group, c.is_test,
    f.conversations, f.messages, f.interactions, f.call_duration_seconds,
    isodow(f.date) AS weekday, a.labels
FROM fact_channel_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
