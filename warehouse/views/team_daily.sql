-- Usage of all bots and versions of a team by UTC day. It is not part of any account's totals.
SELECT
    f.date, a.provider, a.account,
    f.bot_id, f.bot_version, c.channel_code, l.language,
    TRY_CAST(sum(f.conversations) AS BIGINT) AS conversations,
    isodow(f.date) AS weekday, any_value(a.labels) AS labels
FROM fact_team_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
JOIN dim_language AS l ON l.language_key = f.language_key
GROUP BY ALL
