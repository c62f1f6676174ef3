-- The ten intents with most hits of each account in the last 30 loaded days; where is_cut_off, the
-- provider names only the top of its list on each day, and the true number is higher.
SELECT
    provider, account, intent,
    CAST(sum(hits) AS BIGINT) AS hits,
    count(*) AS days,
    bool_or(is_top_n) AS is_cut_off
FROM intent_daily
WHERE date > (SELECT max(date) FROM intent_daily) - 30
GROUP BY provider, account, intent
QUALIFY row_number() OVER (PARTITION BY account ORDER BY sum(hits) DESC, intent) <= 10
ORDER BY provider, account, hits DESC, intent
