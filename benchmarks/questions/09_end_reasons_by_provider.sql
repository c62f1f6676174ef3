SELECT provider, end_reason, sum(conversations) AS conversations FROM end_reason_daily GROUP BY ALL ORDER BY ALL
