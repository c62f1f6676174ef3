-- Runs of days that are missing, failed or stale.
WITH runs AS (
    SELECT
        provider, account, state, date,
        date - CAST(row_number() OVER (PARTITION BY account, state ORDER BY date) AS INTEGER) AS run
    FROM coverage
    WHERE state IN ('missing', 'failed', 'stale')
)
SELECT provider, account, state, min(date) AS first_day, max(date) AS last_day, count(*) AS days
FROM runs
GROUP BY provider, account, state, run
ORDER BY provider, account, first_day
