-- A day's conversations by country. A breakdown of conversation_daily: never add it to another breakdown.
SELECT
    f.date, a.provider, a.account,
    c.country_code, c.country,
    f.conversations,
    isodow(f.date) AS weekday, a.labels
FROM fact_country_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_country AS c ON c.country_key = f.country_key
