-- A day's conversations by channel beside the same weekday a week before. A channel that a day's breakdown leaves out
-- has none (0); a day that is not loaded, or without numbers by channel, has NULL, and so has every change from it.
--   conversations: Conversations in the channel; 0 where the day's breakdown leaves the channel out.
--   previous_conversations: Conversations in the channel seven days before; NULL where that day's are unknown.
--   conversations_change: conversations - previous_conversations.
WITH known AS (
    SELECT account_key, date FROM fact_channel_daily WHERE conversations IS NOT NULL
    UNION
    SELECT account_key, date FROM fact_conversation_daily WHERE conversations = 0
),
both_days AS (
    SELECT
        date, account_key, channel_key,
        max(named) AS named, bool_or(is_named) AS is_named,
        max(previous_named) AS previous_named, bool_or(was_named) AS was_named
    FROM (
        SELECT
            date, account_key, channel_key, conversations AS named, true AS is_named,
            CAST(NULL AS BIGINT) AS previous_named, false AS was_named
        FROM fact_channel_daily
        UNION ALL
        SELECT CAST(date + 7 AS DATE), account_key, channel_key, NULL, false, conversations, true
        FROM fact_channel_daily
    )
    GROUP BY ALL
),
compared AS (
    SELECT
        b.date, b.account_key, b.channel_key,
        CASE WHEN b.is_named THEN b.named ELSE 0 END AS conversations,
        CASE WHEN b.was_named THEN b.previous_named WHEN p.date IS NOT NULL THEN 0 END AS previous_conversations
    FROM both_days AS b
    JOIN known AS k ON k.account_key = b.account_key AND k.date = b.date
    LEFT JOIN known AS p ON p.account_key = b.account_key AND CAST(p.date + 7 AS DATE) = b.date
)
SELECT
    f.date, a.provider, a.account,
    c.channel_code, c.channel, c.channel_group, c.is_test,
    f.conversations, f.previous_conversations,
    f.conversations - f.previous_conversations AS conversations_change,
    isodow(f.date) AS weekday, a.labels
FROM compared AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
