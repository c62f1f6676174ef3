-- Single conversations by the local hour in which they began, for providers that report them. An hour without a
-- conversation has no row. Where clocks are set back, one hour of the clock is two hours long.
--   hour: Hour of the account's local day, 0 to 23, in which the conversations began.
--   conversations: Conversations that began in this hour; one without an instant is in no row.
SELECT
    f.date, a.provider, a.account,
    hour(timezone(a.timezone, f.started_at)) AS hour, c.channel, c.is_test,
    count(*) AS conversations,
    isodow(f.date) AS weekday, any_value(a.labels) AS labels
FROM fact_conversation AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_channel AS c ON c.channel_key = f.channel_key
WHERE f.started_at IS NOT NULL
GROUP BY ALL
