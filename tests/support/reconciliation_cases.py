"""The comparisons of docs/mapping.md, each with a change of a landed response that must show in it."""

from dataclasses import dataclass

from tests.support.edited_responses import (
    ResponseEdit,
    add_silent_line,
    edit_export_lines,
    edit_json,
    increase_bucket_count,
    increase_channel_count,
    increase_channel_messages,
    increase_country_count,
    increase_daily_aggregate,
    increase_line_messages,
    increase_member_count,
    increase_only_series_value,
    increase_row_messages,
    increase_series_value,
    increase_total,
    reduce_day_total,
)


@dataclass(frozen=True)
class Case:
    """One comparison of docs/mapping.md, and a change that must show in it."""

    account: str
    stream: str
    change: ResponseEdit
    measure: str
    against: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.account}, {self.stream}: {self.measure} and {', '.join(self.against)}"


def bucket_case(stream: str, component: str, measure: str) -> Case:
    return Case("globex-voice", stream, edit_json(increase_bucket_count(component)), measure, (component,))


def total_case(key: str, measure: str, *against: str) -> Case:
    return Case("globex-voice", "overview_report", edit_json(increase_total(key)), measure, against)


CASES = (
    Case("acme-support", "conversation_counter", edit_json(reduce_day_total), "conversations", ("channel_daily",)),
    Case(
        "globex-support", "conversation_counter", edit_json(increase_channel_count), "conversations", ("channel_daily",)
    ),
    Case("acme-sales", "analytics", edit_json(increase_country_count), "conversations", ("country_daily",)),
    Case("acme-bot", "conversations_by_channel", edit_json(increase_series_value), "conversations", ("channel_daily",)),
    Case(
        "acme-bot", "conversations_by_language", edit_json(increase_series_value), "conversations", ("language_daily",)
    ),
    Case(
        "acme-bot",
        "team_usage",
        edit_json(lambda body: increase_series_value(body, bot_id="b1", bot_version="LIVE")),
        "conversations",
        ("team_daily",),
    ),
    Case(
        "acme-bot",
        "conversations",
        edit_json(increase_only_series_value),
        "conversations",
        ("channel_daily", "language_daily", "team_daily"),
    ),
    Case(
        "acme-voice",
        "overview_report",
        edit_json(increase_member_count("CONVERSATION_BY_CHANNEL_TYPE")),
        "conversations",
        ("channel_daily",),
    ),
    Case("acme-voice", "export", edit_export_lines(add_silent_line), "conversations", ("export",)),
    Case("globex-voice", "export", edit_export_lines(increase_line_messages), "messages", ("export",)),
    Case("globex-voice", "channel_report", increase_channel_messages, "messages", ("channel_daily",)),
    bucket_case("overview_report", "CONVERSATION_COUNT_INTERVAL", "conversations"),
    bucket_case("overview_report", "MESSAGE_COUNT_INTERVAL", "messages"),
    bucket_case("overview_report", "INTERACTION_COUNT_INTERVAL", "interactions"),
    bucket_case("channel_report", "CONVERSATION_COUNT_INTERVAL_FOR_CHANNEL_ID", "conversations"),
    bucket_case("channel_report", "INTERACTION_COUNT_INTERVAL_FOR_CHANNEL_ID", "interactions"),
    bucket_case("channel_report", "MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID", "messages"),
    total_case("CONVERSATION_COUNT", "conversations", "channel_daily", "export", "CONVERSATION_COUNT_INTERVAL"),
    total_case("MESSAGE_COUNT", "messages", "channel_daily", "export", "MESSAGE_COUNT_INTERVAL"),
    Case(
        "acme-docs",
        "conversation_totals",
        edit_json(increase_daily_aggregate("count")),
        "conversations",
        ("conversation",),
    ),
    Case(
        "acme-docs",
        "conversation_totals",
        edit_json(increase_daily_aggregate("sum_userMessageCount", 5)),
        "user_messages",
        ("conversation",),
    ),
    Case("acme-docs", "conversations", edit_json(increase_row_messages), "user_messages", ("conversation",)),
)
