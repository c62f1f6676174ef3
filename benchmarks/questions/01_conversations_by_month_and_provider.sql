SELECT date_trunc('month', date) AS month, provider, sum(conversations) AS conversations
FROM conversation_daily GROUP BY ALL ORDER BY ALL
