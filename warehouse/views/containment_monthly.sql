-- Share of conversations that stayed with the bot, by account and month. Handed over is what names a transfer target,
-- whoever stands behind it; words of end reasons are not read, since each provider has its own. Only channels that name
-- targets count, and only from the first to the last month in which they do: outside of these, none named may mean
-- none told. No test channels. Accounts that tell no transfer have no row.
--   told_by: conversations: single conversations, where they are loaded; reports: else the reports of voice channels.
--   conversations: Conversations (calls) of the channels that name transfer targets.
--   handed_over: Those of them that name a transfer target.
--   contained: Those of them that do not.
--   containment_rate: contained / conversations. A rate: never add or average it.
WITH told AS (
    SELECT
        'conversations' AS told_by, f.account_key, f.date, c.channel_code AS place,
        count(*) AS conversations, count(f.transfer_target) AS handed_over
    FROM fact_conversation AS f
    JOIN dim_channel AS c ON c.channel_key = f.channel_key
    WHERE NOT c.is_test
    GROUP BY ALL
    UNION ALL
    SELECT
        'reports', f.account_key, f.date, f.channel_id,
        sum(f.value) FILTER (WHERE m.metric = 'channel_conversations'),
        coalesce(sum(f.value) FILTER (WHERE m.metric = 'channel_call_transfer_targets'), 0)
    FROM fact_metric_daily AS f
    JOIN dim_metric AS m ON m.metric_key = f.metric_key
    WHERE m.metric IN ('channel_conversations', 'channel_call_transfer_targets')
    GROUP BY ALL
),
monthly AS (
    SELECT
        CAST(date_trunc('month', date) AS DATE) AS month, told_by, account_key, place,
        CAST(sum(conversations) AS BIGINT) AS conversations,
        CAST(sum(handed_over) AS BIGINT) AS handed_over
    FROM told
    WHERE conversations IS NOT NULL
    GROUP BY ALL
),
sure AS (
    SELECT month, told_by, account_key, conversations, handed_over
    FROM monthly
    QUALIFY month BETWEEN min(CASE WHEN handed_over > 0 THEN month END) OVER (PARTITION BY told_by, account_key, place)
        AND max(CASE WHEN handed_over > 0 THEN month END) OVER (PARTITION BY told_by, account_key, place)
),
chosen AS (
    SELECT
        month, account_key, told_by,
        CAST(sum(conversations) AS BIGINT) AS conversations,
        CAST(sum(handed_over) AS BIGINT) AS handed_over
    FROM sure
    GROUP BY month, account_key, told_by
    QUALIFY told_by = min(told_by) OVER (PARTITION BY month, account_key)
)
SELECT
    s.month, a.provider, a.account,
    s.told_by, s.conversations, s.handed_over,
    s.conversations - s.handed_over AS contained,
    CAST((s.conversations - s.handed_over) / nullif(s.conversations, 0) AS DECIMAL(9, 6)) AS containment_rate
FROM chosen AS s
JOIN dim_account AS a ON a.account_key = s.account_key
