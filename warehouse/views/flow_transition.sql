-- Transitions between steps of single conversations.
SELECT
    f.date, a.provider, a.account,
    f.conversation_id, f.transition_id,
    f.from_step_id, f.from_step_type, f.to_step_id, f.to_step_type,
    f.depth, f."at",
    isodow(f.date) AS weekday, a.labels
FROM fact_flow_transition AS f
JOIN dim_account AS a ON a.account_key = f.account_key
