SELECT * FROM cost_per_conversation_monthly ORDER BY ALL
