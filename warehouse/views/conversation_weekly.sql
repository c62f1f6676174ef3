-- Totals of an account and ISO week: one row each, over the loaded days: `days` of 7. Additive measures only: the users
-- of a week are not the sum of its days' users. A measure is the sum over the days that report it, and NULL without
-- such a day. Currencies are never mixed: a week with cost in several has NULL.
--   days: Loaded days of the week; the sums are over these.
--   cost_amount: Cost reported by the provider; NULL where none is reported, or where it is in several currencies.
--   cost_currency: Currency of cost_amount; NULL where there are several, where none was reported, or without cost.
SELECT
    CAST(date_trunc('week', f.date) AS DATE) AS week, a.provider, a.account,
    d.iso_year, d.iso_week,
    count(*) AS days,
    TRY_CAST(sum(f.conversations) AS BIGINT) AS conversations,
    TRY_CAST(sum(f.messages) AS BIGINT) AS messages,
    TRY_CAST(sum(f.user_messages) AS BIGINT) AS user_messages,
    TRY_CAST(sum(f.interactions) AS BIGINT) AS interactions,
    TRY_CAST(sum(f.understood_messages) AS BIGINT) AS understood_messages,
    TRY_CAST(sum(f.misunderstood_messages) AS BIGINT) AS misunderstood_messages,
    CAST(sum(f.call_duration_seconds) AS DECIMAL(38, 3)) AS call_duration_seconds,
    CASE WHEN count(DISTINCT coalesce(f.cost_currency, '')) FILTER (WHERE f.cost_amount <> 0) <= 1
        THEN CAST(sum(f.cost_amount) AS DECIMAL(38, 6)) END AS cost_amount,
    CASE WHEN count(DISTINCT coalesce(f.cost_currency, '')) FILTER (WHERE f.cost_amount <> 0) <= 1
        THEN max(f.cost_currency) FILTER (WHERE f.cost_amount <> 0) END AS cost_currency,
    TRY_CAST(sum(f.tokens) AS BIGINT) AS tokens,
    any_value(a.labels) AS labels
FROM fact_conversation_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_date AS d ON d.date = f.date
GROUP BY ALL
