-- Share of user messages that the bot understood, by account and month, over the days for which both numbers are
-- reported. An account whose provider does not report them has days = 0 and NULL, never a rate of 0 or 1.
--   days: Days of the month for which both numbers are reported.
--   understood_rate: Share of understood_messages in the sum of both numbers. A rate: never add or average it.
WITH daily AS (
    SELECT
        account_key, date,
        CASE WHEN misunderstood_messages IS NOT NULL THEN understood_messages END AS understood_messages,
        CASE WHEN understood_messages IS NOT NULL THEN misunderstood_messages END AS misunderstood_messages
    FROM fact_conversation_daily
),
monthly AS (
    SELECT
        CAST(date_trunc('month', d.date) AS DATE) AS month, a.provider, a.account,
        count(d.understood_messages) AS days,
        TRY_CAST(sum(d.understood_messages) AS BIGINT) AS understood_messages,
        TRY_CAST(sum(d.misunderstood_messages) AS BIGINT) AS misunderstood_messages,
        any_value(a.labels) AS labels
    FROM daily AS d
    JOIN dim_account AS a ON a.account_key = d.account_key
    GROUP BY ALL
)
SELECT
    month, provider, account, days, day(last_day(month)) AS days_in_month, understood_messages, misunderstood_messages,
    CAST(understood_messages / nullif(CAST(understood_messages AS DECIMAL(38, 0)) + misunderstood_messages, 0)
        AS DECIMAL(9, 6)) AS understood_rate,
    labels
FROM monthly
