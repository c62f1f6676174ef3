-- The ten intents with the most hits of each account, over the last 30 loaded days. Where is_cut_off, the provider
-- reports only the top of each day's list, and the true number is higher.
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
