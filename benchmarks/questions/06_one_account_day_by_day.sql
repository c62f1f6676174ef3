SELECT date, conversations, messages, cost_amount FROM conversation_daily WHERE account = 'account-007' ORDER BY date
