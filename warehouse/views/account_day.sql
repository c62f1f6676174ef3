-- Every account and day that is expected or loaded, without holes, with its place in the calendar: the spine for
-- reports in which a day without data must not go missing. Days and states are those of coverage.
--   date: Local calendar day of the account's zone.
--   month: First day of the calendar month, as a date.
--   week: Monday of the ISO week, as a date.
--   weekday: ISO 8601 weekday, 1 is Monday.
--   is_weekend: Saturday or Sunday.
--   hours: Hours of the local day: 24, or 23 or 25 where clocks change (23.5 or 24.5 where by half an hour).
--   state: State of the day, as in coverage.
--   is_loaded: The day's numbers are loaded: its state is loaded, settled or stale.
WITH days AS (
    SELECT c.date, c.provider, c.account, c.state, a.timezone, a.labels
    FROM coverage AS c
    JOIN dim_account AS a ON a.account = c.account
),
-- A zone is looked up once for each of its days, whatever the number of accounts.
lengths AS (
    SELECT
        z.date, z.timezone,
        CAST(date_diff(
            'minute',
            timezone(z.timezone, CAST(z.date AS TIMESTAMP)),
            timezone(z.timezone, CAST(z.date + 1 AS TIMESTAMP))
        ) / 60 AS DECIMAL(4, 2)) AS hours
    FROM (SELECT DISTINCT date, timezone FROM days WHERE timezone IS NOT NULL) AS z
)
SELECT
    d.date, d.provider, d.account,
    CAST(date_trunc('month', d.date) AS DATE) AS month, CAST(date_trunc('week', d.date) AS DATE) AS week,
    isodow(d.date) AS weekday, isodow(d.date) > 5 AS is_weekend, l.hours,
    d.state, d.state IN ('loaded', 'settled', 'stale') AS is_loaded,
    d.labels
FROM days AS d
LEFT JOIN lengths AS l ON l.date = d.date AND l.timezone = d.timezone
