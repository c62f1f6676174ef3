-- A day's intents with their hits and their place in the list; is_top_n marks a list that was cut off.
SELECT
    f.date, a.provider, a.account,
    i.intent, i.intent_folded,
    f.hits, f.rank, f.is_top_n,
    isodow(f.date) AS weekday, a.labels
FROM fact_intent_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_intent AS i ON i.intent_key = f.intent_key
