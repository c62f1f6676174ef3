-- Totals of an account and day beside the same weekday a week before. A number of a day that is not loaded, or that the
-- provider does not report, is NULL and never 0, and so is every change from or to it.
--   previous_conversations: Conversations seven days before; NULL where that day is not loaded or reports none.
--   conversations_change: conversations - previous_conversations.
--   conversations_change_rate: conversations_change / previous_conversations; NULL from 0. Never add or average it.
--   previous_messages: Messages seven days before.
--   messages_change: messages - previous_messages.
--   previous_unique_users: Distinct users of the day seven days before. Never add them up.
--   unique_users_change: unique_users - previous_unique_users. Never add it up.
--   previous_cost_amount: Cost seven days before; NULL where it is in another currency.
--   cost_amount_change: cost_amount - previous_cost_amount.
--   cost_currency: ISO 4217 code of the cost as reported; of a day without cost that of the week before.
SELECT
    f.date, a.provider, a.account,
    f.conversations, p.conversations AS previous_conversations,
    f.conversations - p.conversations AS conversations_change,
    TRY_CAST((f.conversations - p.conversations) / nullif(p.conversations, 0) AS DECIMAL(18, 6))
        AS conversations_change_rate,
    f.messages, p.messages AS previous_messages, f.messages - p.messages AS messages_change,
    f.unique_users, p.unique_users AS previous_unique_users, f.unique_users - p.unique_users AS unique_users_change,
    f.cost_amount,
    CASE WHEN f.cost_currency IS NOT DISTINCT FROM p.cost_currency OR f.cost_amount = 0 OR p.cost_amount = 0
        THEN p.cost_amount END AS previous_cost_amount,
    CASE WHEN f.cost_currency IS NOT DISTINCT FROM p.cost_currency OR f.cost_amount = 0 OR p.cost_amount = 0
        THEN f.cost_amount - p.cost_amount END AS cost_amount_change,
    CASE WHEN f.cost_amount = 0 THEN coalesce(f.cost_currency, p.cost_currency) ELSE f.cost_currency END
        AS cost_currency,
    isodow(f.date) AS weekday, a.labels
FROM fact_conversation_daily AS f
JOIN dim_account AS a ON a.account_key = f.account_key
LEFT JOIN fact_conversation_daily AS p ON p.account_key = f.account_key AND p.date + 7 = f.date
