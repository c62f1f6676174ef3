-- Each account and day from its start_date (none: its first known slice) to its own yesterday, and how it stands.
-- A removed account keeps the days that were loaded, and nothing more is asked of it.
--   date: Local calendar day of the account's zone.
--   state: loaded, settled (its numbers no longer move), stale (of another zone or id), failed or missing.
WITH begun AS (
    SELECT a.provider, a.account, a.timezone, coalesce(a.start_date, min(l.date)) AS start_date
    FROM dim_account AS a
    LEFT JOIN load_ledger AS l ON l.account = a.account
    WHERE a.is_active
    GROUP BY a.provider, a.account, a.timezone, a.start_date
),
demanded AS (
    SELECT
        CAST(unnest(range(start_date, CAST(timezone(timezone, now()) AS DATE), INTERVAL 1 DAY)) AS DATE) AS date,
        provider, account
    FROM begun
),
known AS (
    SELECT
        l.date, a.provider, a.account,
        CASE
            WHEN l.state = 'failed' THEN 'failed'
            WHEN (l.zone, l.external_id, l.provider) IS DISTINCT FROM (a.timezone, a.external_id, a.provider)
                THEN 'stale'
            WHEN l.fetched_at > timezone(a.timezone, CAST(l.date + 1 + a.lookback_days AS TIMESTAMP))
                THEN 'settled'
            ELSE 'loaded'
        END AS state
    FROM load_ledger AS l
    JOIN dim_account AS a ON a.account = l.account AND a.account_key <> 0
    WHERE a.is_active OR l.state <> 'failed'
)
SELECT
    coalesce(k.date, d.date) AS date,
    coalesce(k.provider, d.provider) AS provider,
    coalesce(k.account, d.account) AS account,
    coalesce(k.state, 'missing') AS state
FROM demanded AS d
FULL JOIN known AS k ON k.date = d.date AND k.account = d.account
