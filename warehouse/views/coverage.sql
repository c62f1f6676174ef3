-- Every account and day, with its state, from the account's start_date (without one: its first known slice) to its own
-- yesterday. A removed account keeps its loaded days; no other day of it is expected.
--   date: Local calendar day of the account's zone.
--   state: loaded, settled (no longer moves), stale (other zone, id or privacy, or dated ahead), failed or missing.
WITH first_days AS (
    SELECT l.account, min(l.date) AS date
    FROM load_ledger AS l
    JOIN dim_account AS a ON a.account = l.account
    WHERE a.is_active AND a.start_date IS NULL
    GROUP BY l.account
),
spans AS (
    SELECT
        a.provider, a.account, coalesce(a.start_date, f.date) AS first_date,
        date_diff('day', coalesce(a.start_date, f.date), CAST(timezone(a.timezone, now()) AS DATE)) AS days,
        a.labels
    FROM dim_account AS a
    LEFT JOIN first_days AS f ON f.account = a.account
    WHERE a.is_active
),
expected AS (
    SELECT CAST(s.first_date + CAST(d.number AS INTEGER) AS DATE) AS date, s.provider, s.account, s.labels
    FROM spans AS s
    CROSS JOIN unnest(range(0, s.days)) AS d(number)
)
SELECT
    l.date, a.provider, a.account,
    CASE
        WHEN l.state = 'failed' THEN 'failed'
        WHEN l.zone IS DISTINCT FROM a.timezone
            OR l.external_id IS DISTINCT FROM a.external_id
            OR l.provider IS DISTINCT FROM a.provider
            OR l.privacy IS DISTINCT FROM a.privacy
            THEN 'stale'
        WHEN l.fetched_at > now() + INTERVAL 5 MINUTE THEN 'stale'
        -- Midnight of any zone is within a day of that of UTC: zones are looked up for few days only.
        WHEN epoch_us(l.fetched_at) > 86400000000 * (l.date + 2 + a.lookback_days - DATE '1970-01-01')
            AND a.timezone IS NOT NULL
            THEN 'settled'
        WHEN l.fetched_at > timezone(a.timezone, CAST(l.date + 1 + a.lookback_days AS TIMESTAMP))
            THEN 'settled'
        ELSE 'loaded'
    END AS state,
    isodow(l.date) AS weekday, a.labels
FROM load_ledger AS l
JOIN dim_account AS a ON a.account = l.account AND a.account_key <> 0
WHERE a.is_active OR l.state <> 'failed'
UNION ALL
SELECT e.date, e.provider, e.account, 'missing', isodow(e.date), e.labels
FROM expected AS e
WHERE NOT EXISTS (SELECT 1 FROM load_ledger AS l WHERE l.account = e.account AND l.date = e.date)
