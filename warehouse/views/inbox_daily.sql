-- A day's numbers of the agents' inbox, each under the provider's name for it. Never add them.
--   measure: The provider's name for the number.
--   value: The number; NULL where the provider reported NULL. Never add it up.
SELECT
    f.date, a.provider, a.account,
    coalesce(f.member, 'unknown') AS measure,
    f.value,
    isodow(f.date) AS weekday, a.labels
FROM fact_metric_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_metric AS m ON m.metric_key = f.metric_key
WHERE m.metric = 'inbox'
