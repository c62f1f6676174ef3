-- A day's conversations by language. A breakdown of conversation_daily: never add it to another breakdown.
SELECT
    f.date, a.provider, a.account,
    l.language_code, l.language,
    f.conversations,
    isodow(f.date) AS weekday, a.labels
FROM fact_language_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_language AS l ON l.language_key = f.language_key
