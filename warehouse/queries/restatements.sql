-- Corrections of totals by the providers: how many and how large, by measure and age of the day.
SELECT
    provider, measure, age_days,
    count(*) AS corrections,
    CAST(median(abs("new" - "old")) AS DECIMAL(18, 2)) AS median_change
FROM restatement_log
WHERE view = 'conversation_daily'
GROUP BY ALL
ORDER BY provider, measure, age_days
