-- Share of conversations that stayed with the bot, by account and month. A conversation with a transfer target counts
-- as handed over, whatever the target is. End reasons are not read, since each provider has its own words. Only those
-- channels count that report targets, and only from the first to the last month in which they do: in other months a
-- missing transfer target may only mean that it was not reported. Test channels are left out. An account without a
-- reported transfer has no row. A month may be loaded in part: see days.
--   source: conversations: single conversations, where they are loaded; reports: otherwise, reports of voice channels.
--   days: Days of the month that source knows: those with a conversation in it, and those without any conversation.
--   conversations: Conversations (calls) of the channels that report transfer targets.
--   handed_over: Conversations of these that have a transfer target.
--   contained: Conversations of these that have none.
--   containment_rate: contained / conversations. A rate: never add or average it.
WITH counted AS (
    SELECT
        'conversations' AS source, f.account_key, f.date, c.channel_code,
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
        CAST(date_trunc('month', date) AS DATE) AS month, source, account_key, channel_code,
        TRY_CAST(sum(conversations) AS BIGINT) AS conversations,
        TRY_CAST(sum(handed_over) AS BIGINT) AS handed_over
    FROM counted
    WHERE conversations IS NOT NULL
    GROUP BY ALL
),
reporting AS (
    SELECT month, source, account_key, conversations, handed_over
    FROM monthly
    WINDOW same_channel AS (PARTITION BY source, account_key, channel_code)
    QUALIFY month BETWEEN min(CASE WHEN handed_over > 0 THEN month END) OVER same_channel
        AND max(CASE WHEN handed_over > 0 THEN month END) OVER same_channel
),
known AS (
    SELECT 'conversations' AS source, account_key, date FROM fact_conversation
    UNION
    SELECT 'reports', f.account_key, f.date
    FROM fact_metric_daily AS f
    JOIN dim_metric AS m ON m.metric_key = f.metric_key
    WHERE m.metric = 'channel_conversations' AND f.value IS NOT NULL
    UNION
    SELECT s.source, f.account_key, f.date
    FROM fact_conversation_daily AS f
    CROSS JOIN (VALUES ('conversations'), ('reports')) AS s(source)
    WHERE f.conversations = 0
),
known_days AS (
    SELECT CAST(date_trunc('month', date) AS DATE) AS month, account_key, source, count(*) AS days
    FROM known
    GROUP BY ALL
),
chosen AS (
    SELECT
        month, account_key, source,
        TRY_CAST(sum(conversations) AS BIGINT) AS conversations,
        TRY_CAST(sum(handed_over) AS BIGINT) AS handed_over
    FROM reporting
    GROUP BY month, account_key, source
    QUALIFY source = min(source) OVER (PARTITION BY month, account_key)
)
SELECT
    s.month, a.provider, a.account,
    s.source, k.days, day(last_day(s.month)) AS days_in_month, s.conversations, s.handed_over,
    s.conversations - s.handed_over AS contained,
    CAST((s.conversations - s.handed_over) / nullif(s.conversations, 0) AS DECIMAL(9, 6)) AS containment_rate,
    a.labels
FROM chosen AS s
JOIN known_days AS k ON k.month = s.month AND k.account_key = s.account_key AND k.source = s.source
JOIN dim_account AS a ON a.account_key = s.account_key
