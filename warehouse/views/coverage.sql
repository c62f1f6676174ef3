-- Every account and day, with its state, from the account's start_date (without one: its first known slice) to its own
-- yesterday. A removed account keeps its loaded days; no other day of it is expected.
--   date: Local calendar day of the account's zone.
--   state: loaded, settled (no longer moves), stale (of another zone or id, or dated in the future), failed or missing.
WITH started AS (
    SELECT a.provider, a.account, a.timezone, coalesce(a.start_date, min(l.date)) AS start_date
    FROM dim_account AS a
    LEFT JOIN load_ledger AS l ON l.account = a.account
    WHERE a.is_active
    GROUP BY a.provider, a.account, a.timezone, a.start_date
),
expected AS (
    SELECT
        CAST(unnest(range(start_date, CAST(timezone(timezone, now()) AS DATE), INTERVAL 1 DAY)) AS DATE) AS date,
        provider, account
    FROM started
),
known AS (
    SELECT
        l.date, a.provider, a.account,
        CASE
            WHEN l.state = 'failed' THEN 'failed'
            WHEN (l.zone, l.external_id, l.provider) IS DISTINCT FROM (a.timezone, a.external_id, a.provider)
                THEN 'stale'
            WHEN l.fetched_at > now() + INTERVAL 5 MINUTE THEN 'stale'
            WHEN l.fetched_at > timezone(a.timezone, CAST(l.date + 1 + a.lookback_days AS TIMESTAMP))
                THEN 'settled'
            ELSE 'loaded'
        END AS state
    FROM load_ledger AS l
    JOIN dim_account AS a ON a.account = l.account AND a.account_key <> 0
    WHERE a.is_active OR l.state <> 'failed'
)
SELECT
    coalesce(k.date, e.date) AS date,
    coalesce(k.provider, e.provider) AS provider,
    coalesce(k.account, e.account) AS account,
    coalesce(k.state, 'missing') AS state
FROM expected AS e
FULL JOIN known AS k ON k.date = e.date AND k.account = e.account
