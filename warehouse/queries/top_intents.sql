-- The ten intents with the most hits of each account, over the 30 days up to the newest day with intents of any account.
-- `days` have the intent, of `days_with_list` that have any. Where is_cut_off, the provider reports only the top of each
-- day's list, and the true number is higher.
WITH listed AS (
    SELECT provider, account, date, intent, hits, is_top_n
    FROM intent_daily
    WHERE date > (SELECT max(date) FROM intent_daily) - 30
),
lists AS (
    SELECT account, count(DISTINCT date) AS days_with_list
    FROM listed
    GROUP BY account
)
SELECT
    i.provider, i.account, i.intent,
    CAST(sum(i.hits) AS BIGINT) AS hits,
    count(*) AS days, any_value(l.days_with_list) AS days_with_list,
    bool_or(i.is_top_n) AS is_cut_off
FROM listed AS i
JOIN lists AS l ON l.account = i.account
GROUP BY i.provider, i.account, i.intent
QUALIFY row_number() OVER (PARTITION BY i.account ORDER BY sum(i.hits) DESC, i.intent) <= 10
ORDER BY i.provider, i.account, hits DESC, i.intent
