-- Call minutes and cost by month and account, one line per currency.
SELECT
    strftime(date, '%Y-%m') AS month, provider, account,
    CAST(sum(call_duration_seconds) / 60 AS DECIMAL(18, 2)) AS call_minutes,
    CAST(sum(cost_amount) AS DECIMAL(38, 6)) AS cost_amount,
    cost_currency
FROM conversation_daily
WHERE call_duration_seconds IS NOT NULL OR cost_amount IS NOT NULL
GROUP BY ALL
ORDER BY month, provider, account, cost_currency
