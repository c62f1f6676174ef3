SELECT date_trunc('week', date) AS week, account,
    sum(understood_messages) / (sum(understood_messages) + sum(misunderstood_messages)) AS understood_rate
FROM conversation_daily GROUP BY ALL ORDER BY ALL
