-- Single conversations, for providers that report them.
SELECT
    f.date, a.provider, a.account,
    f.conversation_id, f.started_at, f.ended_at,
    c.channel_code, c.channel, c.channel_group, c.is_test,
    l.language_code, l.language,
    f.type, f.project_id, f.integration_id,
    f.messages, f.user_messages, f.interactions, f.duration_seconds,
    f.end_reason, f.transfer_target, f.user_id, f.properties,
    isodow(f.date) AS weekday, a.labels
FROM fact_conversation AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
JOIN dim_language AS l ON l.language_key = f.language_key
