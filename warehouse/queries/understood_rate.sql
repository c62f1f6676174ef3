-- Share of user messages that the bot understood, by account and month, where the provider tells it.
SELECT
    strftime(date, '%Y-%m') AS month, provider, account,
    CAST(sum(understood_messages) AS BIGINT) AS understood,
    CAST(sum(misunderstood_messages) AS BIGINT) AS misunderstood,
    round(sum(understood_messages) / nullif(sum(understood_messages) + sum(misunderstood_messages), 0), 4)
        AS understood_rate
FROM conversation_daily
WHERE understood_messages IS NOT NULL AND misunderstood_messages IS NOT NULL
GROUP BY ALL
ORDER BY month, provider, account
