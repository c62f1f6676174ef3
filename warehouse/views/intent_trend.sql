-- Hits of each intent by account and month, with the change from the month before. An intent that complete lists leave
-- out has no hits (0). What cut-off lists leave out, or a month without any list, is unknown: NULL, and no row of its
-- own. A month that is loaded in part is no whole month: see days.
--   hits: How often the intent was recognised; where is_top_n, on the days that name it only.
--   days: Days of the month on which any intent is named.
--   previous_hits: Hits in the month before; NULL where that is unknown.
--   previous_days: Such days of the month before; NULL where there is none.
--   hits_change: hits - previous_hits; where is_top_n, of what the lists name only.
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
        coalesce(bool_or(is_top_n), true) AS is_top_n
    FROM fact_intent_daily
    GROUP BY ALL
),
asked AS (
    SELECT month, account_key, intent_key FROM named
    UNION
    SELECT CAST(month + INTERVAL 1 MONTH AS DATE), account_key, intent_key FROM named
),
known AS (
    SELECT
        q.month, q.account_key, q.intent_key, l.days, l.is_top_n,
        CASE WHEN n.intent_key IS NULL AND NOT l.is_top_n THEN 0 ELSE n.hits END AS hits,
        n.intent_key IS NOT NULL AS is_named
    FROM asked AS q
    JOIN lists AS l ON l.month = q.month AND l.account_key = q.account_key
    LEFT JOIN named AS n ON n.month = q.month AND n.account_key = q.account_key AND n.intent_key = q.intent_key
)
SELECT
    k.month, a.provider, a.account, i.intent,
    k.hits, k.days,
    CASE WHEN p.intent_key IS NULL AND NOT b.is_top_n THEN 0 ELSE p.hits END AS previous_hits,
    b.days AS previous_days,
    k.hits - previous_hits AS hits_change,
    k.is_top_n OR coalesce(b.is_top_n, false) AS is_top_n
FROM known AS k
LEFT JOIN lists AS b ON b.month = k.month - INTERVAL 1 MONTH AND b.account_key = k.account_key
LEFT JOIN named AS p
    ON p.month = k.month - INTERVAL 1 MONTH AND p.account_key = k.account_key AND p.intent_key = k.intent_key
JOIN dim_account AS a ON a.account_key = k.account_key
JOIN dim_intent AS i ON i.intent_key = k.intent_key
WHERE k.is_named OR NOT k.is_top_n
