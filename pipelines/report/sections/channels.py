"""Conversations by channel, for each provider that reports channels.

The rows are those of the query ``channels``; SQL and HTML do not belong here.
"""

from pipelines.report.changes import list_comparable_accounts
from pipelines.report.content import Content
from pipelines.report.format import format_count, join_names
from pipelines.report.model import Section
from pipelines.report.sections.buckets import write_chart_notes
from pipelines.report.sections.stacks import Breakdown, StackRows, build_stack_card

OTHER_CHANNELS = "further channels"

_CHANNELS = Breakdown("channel", "conversations", "channels", OTHER_CHANNELS)


def build_channel_section(content: Content) -> Section:
    """Build a card for each provider that reports channels; its note counts its omitted test conversations."""
    rows = [row for row in content.results["channels"] if not row["is_test"]]
    comparable = list_comparable_accounts(content.results["breakdown_days"], "channel", content.complete_accounts)
    slots = _CHANNELS.choose_slots(rows)
    reporting = {row["provider"] for row in rows if row["bucket"] is not None}
    cards = [
        build_stack_card(
            content,
            _CHANNELS,
            StackRows(provider, [row for row in rows if row["provider"] == provider], slots, comparable),
            provider,
            _write_test_note(content, provider),
        )
        for provider in content.providers
        if provider in reporting
    ]
    silent = [provider for provider in content.providers if provider not in reporting]
    remarks = [write_chart_notes(cards)]
    if silent and reporting:
        remarks.append(f"No channels are reported by {join_names(silent)}.")
    lead = (
        "Channels have the same names and colours for all providers. Bars are stacked in the order of the lists, with "
        "the first channel at the bottom. Channels break down the conversations above; do not add the two."
    )
    title = f"Channels per {content.period.bucket_unit}"
    return Section("channels", "Channels", title, lead, cards, " ".join(filter(None, remarks)))


def _write_test_note(content: Content, provider: str) -> str:
    rows = content.list_rows("channels", provider)
    tests = sum(row["conversations"] for row in rows if row["is_test"] and row["bucket"] is not None)
    return f"Test channels are left out: {format_count(tests, 'conversation')}." if tests else ""
