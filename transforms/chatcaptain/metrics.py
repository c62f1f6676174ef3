"""The metrics that ChatCaptain fills. What must not come in: how they are read (``reports.py``)."""

from transforms.metrics import ADDITIVE, END_REASON, NOT_ADDITIVE, Metric

METRICS = (
    Metric("step_executions", "executions", ADDITIVE, "How often each step was executed."),
    Metric("intent_count", "intents", ADDITIVE, "Intents that were recognised."),
    Metric("messages_per_conversation_median", "messages", NOT_ADDITIVE, "Median of messages per conversation."),
    Metric("message_length_median", "characters", NOT_ADDITIVE, "Median length of a message."),
    Metric("intent_score_median", "score", NOT_ADDITIVE, "Median score of the recognised intents."),
    Metric("inbox", "number", NOT_ADDITIVE, "Named numbers of the agents' inbox.", keeps_zero=True),
    END_REASON,
    Metric("channel_step_executions", "executions", ADDITIVE, "How often each step was executed in the channel."),
    Metric("channel_conversations", "conversations", ADDITIVE, "Conversations of the channel."),
    Metric(
        "channel_languages",
        "conversations",
        ADDITIVE,
        "Conversations of the channel by language, in the provider's spelling.",
    ),
    Metric(
        "channel_messages_per_conversation_median",
        "messages",
        NOT_ADDITIVE,
        "Median of messages per conversation of the channel.",
    ),
    Metric("channel_intent_count", "intents", ADDITIVE, "Intents that were recognised in the channel."),
    Metric("channel_intent_hits", "hits", ADDITIVE, "How often each intent was recognised in the channel."),
    Metric("channel_intent_score_median", "score", NOT_ADDITIVE, "Median score of the channel's intents."),
    Metric("channel_message_length_median", "characters", NOT_ADDITIVE, "Median length of the channel's messages."),
    Metric("channel_call_duration_median", "seconds", NOT_ADDITIVE, "Median length of the channel's calls."),
    Metric("channel_call_exit_steps", "conversations", ADDITIVE, "Calls of the channel by the step they ended at."),
    Metric("channel_call_user_inputs_median", "inputs", NOT_ADDITIVE, "Median of user inputs per call."),
    Metric("channel_call_transfer_targets", "conversations", ADDITIVE, "Calls of the channel by transfer target."),
)
