-- Totals of an account and day as the provider reports them: one row per loaded slice. The numbers cover all
-- conversations and may be added over accounts and days, except unique_users.
SELECT
    f.date, a.provider, a.account,
    f.conversations, f.messages, f.user_messages, f.interactions,
    f.understood_messages, f.misunderstood_messages, f.unique_users,
    f.call_duration_seconds, f.cost_amount, f.cost_currency, f.tokens,
    isodow(f.date) AS weekday, a.labels
FROM fact_conversation_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
