-- All other numbers that a provider reports, one value per row. Add values only where additivity is additive.
--   value: The number, in unit; NULL where the provider reported NULL.
SELECT
    f.date, a.provider, a.account,
    m.metric, f.member, f.channel_id,
    f.value, m.unit, m.additivity,
    isodow(f.date) AS weekday, a.labels
FROM fact_metric_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_metric AS m ON m.metric_key = f.metric_key
