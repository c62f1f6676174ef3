SELECT * FROM intent_trend WHERE month = (SELECT max(month) FROM intent_trend) ORDER BY ALL LIMIT 50
