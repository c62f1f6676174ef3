-- Intents of single conversations. A score is given only where it belongs to one intent.
SELECT
    f.date, a.provider, a.account,
    f.conversation_id, i.intent, i.intent_folded,
    f.hits, f.score,
    isodow(f.date) AS weekday, a.labels
FROM fact_conversation_intent AS f
JOIN dim_account AS a ON a.account_key = f.account_key
JOIN dim_intent AS i ON i.intent_key = f.intent_key
