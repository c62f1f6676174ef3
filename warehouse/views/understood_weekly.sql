-- Share of user messages that the bot understood, by account and ISO week, over the days for which both numbers are
-- reported. An account whose provider does not report them has days = 0 and NULL, never a rate of 0 or 1.
--   days: Days of the week for which both numbers are reported.
--   understood_rate: Share of understood_messages in the sum of both numbers. A rate: never add or average it.
WITH daily AS (
    SELECT
        account_key, date,
        CASE WHEN misunderstood_messages IS NOT NULL THEN understood_messages END AS understood_messages,
        CASE WHEN understood_messages IS NOT NULL THEN misunderstood_messages END AS misunderstood_messages
    FROM fact_conversation_daily
),
weekly AS (
    SELECT
        CAST(date_trunc('week', f.date) AS DATE) AS week, f.account_key, d.iso_year, d.iso_week,
        count(f.understood_messages) AS days,
        TRY_CAST(sum(f.understood_messages) AS BIGINT) AS understood_messages,
        TRY_CAST(sum(f.misunderstood_messages) AS BIGINT) AS misunderstood_messages
    FROM daily AS f
    JOIN dim_date AS d ON d.date = f.date
    GROUP BY ALL
)
SELECT
    w.week, a.provider, a.account,
    w.iso_year, w.iso_week, w.days, w.understood_messages, w.misunderstood_messages,
    CAST(w.understood_messages / nullif(CAST(w.understood_messages AS DECIMAL(38, 0)) + w.misunderstood_messages, 0)
        AS DECIMAL(9, 6)) AS understood_rate,
    a.labels
FROM weekly AS w
JOIN dim_account AS a ON a.account_key = w.account_key
