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
WITH counted AS (
    -- Both months are columns of the calendar, so that a condition on the month chooses the days of a fact that are read.
    -- A day is a bit, so that days of several intents count once.
    SELECT
        d.month, d.next_month, f.account_key, f.intent_key,
        TRY_CAST(sum(f.hits) AS BIGINT) AS hits,
        bit_or(d.day_bit) AS day_bits,
        bool_or(coalesce(f.is_top_n, true)) AS is_top_n
    FROM fact_intent_daily AS f
    JOIN (
        SELECT
            date, CAST(date_trunc('month', date) AS DATE) AS month,
            CAST(date_trunc('month', date) + INTERVAL 1 MONTH AS DATE) AS next_month,
            CAST(1 AS BIGINT) << day_of_month AS day_bit
        FROM dim_date
    ) AS d ON d.date = f.date
    GROUP BY ALL
    UNION ALL
    -- A day without conversations counts as one with a list; it names no intent, and finds none in dim_intent.
    SELECT
        CAST(date_trunc('month', date) AS DATE), CAST(date_trunc('month', date) + INTERVAL 1 MONTH AS DATE),
        account_key, NULL, NULL, CAST(1 AS BIGINT) << day(date), false
    FROM fact_conversation_daily
    WHERE conversations = 0
),
intents AS (
    SELECT
        month, account_key, intent_key,
        max(named_hits) AS named_hits, bool_or(is_named) AS is_named,
        max(previous_named_hits) AS previous_named_hits, bool_or(was_named) AS was_named
    FROM (
        SELECT
            month, account_key, intent_key, hits AS named_hits, true AS is_named,
            CAST(NULL AS BIGINT) AS previous_named_hits, false AS was_named
        FROM counted
        UNION ALL
        SELECT next_month, account_key, intent_key, NULL, false, hits, true FROM counted
    )
    GROUP BY ALL
),
lists AS (
    SELECT
        month, account_key,
        CAST(bit_count(bit_or(day_bits)) AS BIGINT) AS days,
        bool_or(is_top_n) AS is_top_n,
        CAST(bit_count(bit_or(previous_day_bits)) AS BIGINT) AS previous_days,
        bool_or(previous_is_top_n) AS previous_is_top_n
    FROM (
        SELECT
            month, account_key, day_bits, is_top_n,
            CAST(NULL AS BIGINT) AS previous_day_bits, CAST(NULL AS BOOLEAN) AS previous_is_top_n
        FROM counted
        UNION ALL
        SELECT next_month, account_key, NULL, NULL, day_bits, is_top_n FROM counted
    )
    GROUP BY ALL
)
SELECT
    n.month, a.provider, a.account, i.intent, i.intent_folded,
    CASE WHEN NOT n.is_named AND NOT l.is_top_n THEN 0 ELSE n.named_hits END AS hits,
    l.days, day(last_day(n.month)) AS days_in_month,
    CAST(hits / l.days AS DECIMAL(18, 3)) AS hits_per_day,
    CASE WHEN NOT n.was_named AND NOT l.previous_is_top_n THEN 0 ELSE n.previous_named_hits END AS previous_hits,
    l.previous_days, day(last_day(n.month - INTERVAL 1 MONTH)) AS previous_days_in_month,
    CAST(previous_hits / l.previous_days AS DECIMAL(18, 3)) AS previous_hits_per_day,
    CASE WHEN l.days = l.previous_days THEN hits - previous_hits END AS hits_change,
    CAST(hits_per_day - previous_hits_per_day AS DECIMAL(18, 3)) AS hits_per_day_change,
    l.is_top_n OR coalesce(l.previous_is_top_n, false) AS is_top_n,
    a.labels
FROM intents AS n
JOIN lists AS l ON l.month = n.month AND l.account_key = n.account_key
JOIN dim_account AS a ON a.account_key = n.account_key
JOIN dim_intent AS i ON i.intent_key = n.intent_key
WHERE l.days IS NOT NULL AND (n.is_named OR NOT l.is_top_n)
