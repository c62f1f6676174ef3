-- Hits of each intent by account and month, beside the month before. Months are of different length, and may be loaded
-- in part (see days): compare hits_per_day. An intent that complete lists leave out has no hits (0). The hits of an
-- intent that a cut-off list leaves out, or of a month without a list, are unknown: NULL, and no row of their own.
--   hits: How often the intent was recognised; where is_top_n, only on the days whose list has it.
--   days: Days of the month that have a list of intents, or no conversation.
--   hits_per_day: hits / days, rounded. Never add or average it.
--   previous_hits: Hits in the month before; NULL where they are unknown.
--   previous_days: Days of the month before that have a list, or no conversation; NULL where there are none.
--   previous_days_in_month: Days of the calendar month before.
--   previous_hits_per_day: previous_hits / previous_days, rounded. Never add or average it.
--   hits_change: hits - previous_hits where both are of equally many days, otherwise NULL; where is_top_n, of listed hits.
--   hits_per_day_change: hits_per_day - previous_hits_per_day; where is_top_n, of listed hits.
--   is_top_n: A list of this month or of the month before is cut off: the true numbers may be higher.
WITH named AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, account_key, intent_key,
        CAST(sum(hits) AS BIGINT) AS hits
    FROM fact_intent_daily
    GROUP BY ALL
),
lists AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, account_key,
        count(DISTINCT date) AS days,
        bool_or(is_top_n) AS is_top_n
    FROM (
        SELECT account_key, date, coalesce(is_top_n, true) AS is_top_n FROM fact_intent_daily
        UNION ALL
        SELECT account_key, date, false FROM fact_conversation_daily WHERE conversations = 0
    )
    GROUP BY ALL
),
candidates AS (
    SELECT month, account_key, intent_key FROM named
    UNION
    SELECT CAST(month + INTERVAL 1 MONTH AS DATE), account_key, intent_key FROM named
),
known AS (
    SELECT
        c.month, c.account_key, c.intent_key, l.days, l.is_top_n,
        CASE WHEN n.intent_key IS NULL AND NOT l.is_top_n THEN 0 ELSE n.hits END AS hits,
        n.intent_key IS NOT NULL AS is_named
    FROM candidates AS c
    JOIN lists AS l ON l.month = c.month AND l.account_key = c.account_key
    LEFT JOIN named AS n ON n.month = c.month AND n.account_key = c.account_key AND n.intent_key = c.intent_key
)
SELECT
    k.month, a.provider, a.account, i.intent,
    k.hits, k.days, day(last_day(k.month)) AS days_in_month,
    CAST(k.hits / k.days AS DECIMAL(18, 3)) AS hits_per_day,
    CASE WHEN p.intent_key IS NULL AND NOT b.is_top_n THEN 0 ELSE p.hits END AS previous_hits,
    b.days AS previous_days, day(last_day(k.month - INTERVAL 1 MONTH)) AS previous_days_in_month,
    CAST(previous_hits / b.days AS DECIMAL(18, 3)) AS previous_hits_per_day,
    CASE WHEN k.days = b.days THEN k.hits - previous_hits END AS hits_change,
    CAST(hits_per_day - previous_hits_per_day AS DECIMAL(18, 3)) AS hits_per_day_change,
    k.is_top_n OR coalesce(b.is_top_n, false) AS is_top_n
FROM known AS k
LEFT JOIN lists AS b ON b.month = k.month - INTERVAL 1 MONTH AND b.account_key = k.account_key
LEFT JOIN named AS p
    ON p.month = k.month - INTERVAL 1 MONTH AND p.account_key = k.account_key AND p.intent_key = k.intent_key
JOIN dim_account AS a ON a.account_key = k.account_key
JOIN dim_intent AS i ON i.intent_key = k.intent_key
WHERE k.is_named OR NOT k.is_top_n
