SELECT channel, channel_group, sum(conversations) AS conversations
FROM channel_daily WHERE date > (SELECT max(date) FROM channel_daily) - 90 AND NOT is_test
GROUP BY ALL ORDER BY conversations DESC
