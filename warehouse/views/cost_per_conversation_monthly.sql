-- Cost of a conversation, by account, month and currency, over the days for which both cost and conversations are
-- reported. A day without cost and without a currency counts to the month's currency where there is only one.
--   days: Days of the month in this currency for which both numbers are reported.
--   conversations: Conversations of these days, as the provider counts them.
--   cost_amount: Cost of these days.
--   cost_currency: ISO 4217 code as reported; NULL where none was reported.
--   cost_per_conversation: cost_amount / conversations, rounded. A rate: never add or average it.
WITH daily AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, account_key, conversations, cost_amount,
        CASE
            WHEN cost_amount <> 0 OR min(cost_currency) OVER same_month <> max(cost_currency) OVER same_month
                THEN cost_currency
            ELSE max(cost_currency) OVER same_month
        END AS cost_currency
    FROM fact_conversation_daily
    WHERE cost_amount IS NOT NULL AND conversations IS NOT NULL
    WINDOW same_month AS (PARTITION BY account_key, date_trunc('month', date))
),
monthly AS (
    SELECT
        month, account_key, cost_currency,
        count(*) AS days,
        TRY_CAST(sum(conversations) AS BIGINT) AS conversations,
        CAST(sum(cost_amount) AS DECIMAL(38, 6)) AS cost_amount
    FROM daily
    GROUP BY ALL
)
SELECT
    m.month, a.provider, a.account, m.cost_currency,
    m.days, day(last_day(m.month)) AS days_in_month, m.conversations, m.cost_amount,
    -- Computed in whole millionths, since `/` is floating point for decimals too.
    CAST(0.000001 AS DECIMAL(6, 6)) * CAST(
        (CAST(m.cost_amount * 1000000 AS HUGEINT) + m.conversations // 2) // nullif(m.conversations, 0)
        AS DECIMAL(18, 0)
    ) AS cost_per_conversation,
    a.labels
FROM monthly AS m
JOIN dim_account AS a ON a.account_key = m.account_key
