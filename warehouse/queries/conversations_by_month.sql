-- Conversations by month, provider and channel. Channels are a breakdown: do not add them to the totals.
SELECT
    strftime(date, '%Y-%m') AS month, provider, channel,
    CAST(sum(conversations) AS BIGINT) AS conversations
FROM channel_daily
WHERE NOT is_test
GROUP BY ALL
ORDER BY month, provider, conversations DESC
