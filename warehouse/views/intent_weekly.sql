-- Hits of each intent by account and ISO week, beside the week before. Weeks may be loaded in part: see days. An intent
-- that complete lists leave out has no hits (0). The hits of an intent that a cut-off list leaves out, or of a week
-- without a list, are unknown: NULL, and no row of their own.
--   hits: How often the intent was recognised; where is_top_n, only on the days whose list has it.
--   days: Days of the week that have a list of intents, or no conversation.
--   previous_hits: Hits in the week before; NULL where they are unknown.
--   previous_days: Days of the week before that have a list, or no conversation; NULL where there are none.
--   hits_change: hits - previous_hits where both are of equally many days, otherwise NULL; where is_top_n, of listed hits.
--   is_top_n: A list of this week or of the week before is cut off: the true numbers may be higher.
WITH counted AS (
    SELECT
        CAST(date_trunc('week', date) AS DATE) AS week, account_key, intent_key, TRY_CAST(sum(hits) AS BIGINT) AS hits
    FROM fact_intent_daily
    GROUP BY ALL
),
intents AS (
    SELECT
        week, account_key, intent_key,
        max(named_hits) AS named_hits, bool_or(is_named) AS is_named,
        max(previous_named_hits) AS previous_named_hits, bool_or(was_named) AS was_named
    FROM (
        SELECT
            week, account_key, intent_key, hits AS named_hits, true AS is_named,
            CAST(NULL AS BIGINT) AS previous_named_hits, false AS was_named
        FROM counted
        UNION ALL
        SELECT CAST(week + 7 AS DATE), account_key, intent_key, NULL, false, hits, true FROM counted
    )
    GROUP BY ALL
),
lists AS (
    SELECT
        CAST(date_trunc('week', date) AS DATE) AS week, account_key,
        count(DISTINCT date) AS days, bool_or(is_top_n) AS is_top_n
    FROM (
        SELECT account_key, date, coalesce(is_top_n, true) AS is_top_n FROM fact_intent_daily
        UNION ALL
        SELECT account_key, date, false FROM fact_conversation_daily WHERE conversations = 0
    )
    GROUP BY ALL
),
both_weeks AS (
    SELECT
        n.week, n.account_key, n.intent_key, n.is_named,
        CASE WHEN NOT n.is_named AND NOT l.is_top_n THEN 0 ELSE n.named_hits END AS hits, l.days, l.is_top_n,
        CASE WHEN NOT n.was_named AND NOT p.is_top_n THEN 0 ELSE n.previous_named_hits END AS previous_hits,
        p.days AS previous_days, p.is_top_n AS previous_is_top_n
    FROM intents AS n
    JOIN lists AS l ON l.week = n.week AND l.account_key = n.account_key
    LEFT JOIN lists AS p
        ON CAST(p.week + 7 AS DATE) = n.week AND p.account_key = n.account_key
)
SELECT
    b.week, a.provider, a.account, i.intent, i.intent_folded,
    b.hits, b.days, b.previous_hits, b.previous_days,
    CASE WHEN b.days = b.previous_days THEN b.hits - b.previous_hits END AS hits_change,
    b.is_top_n OR coalesce(b.previous_is_top_n, false) AS is_top_n,
    a.labels
FROM both_weeks AS b
JOIN dim_account AS a ON a.account_key = b.account_key
JOIN dim_intent AS i ON i.intent_key = b.intent_key
WHERE b.is_named OR NOT b.is_top_n
