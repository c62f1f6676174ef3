SELECT language, year(date) AS year, sum(conversations) AS conversations
FROM language_daily WHERE month(date) = 3 GROUP BY ALL ORDER BY ALL
