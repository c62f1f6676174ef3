SELECT account, state, count(*) AS days FROM coverage WHERE state <> 'settled' GROUP BY ALL ORDER BY ALL
