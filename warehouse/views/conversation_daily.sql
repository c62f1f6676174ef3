-- Totals of an account and day as the provider tells them: one row per loaded slice.
-- Its numbers may be added over accounts and days, and stand for all conversations (but never add unique_users).
SELECT
    f.date, a.provider, a.account,
    f.conversations, f.messages, f.user_messages, f.interactions,
    f.understood_messages, f.misunderstood_messages, f.unique_users,
    f.call_duration_seconds, f.cost_amount, f.cost_currency, f.tokens
FROM fact_conversation_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
