"""ChatCaptain's responses to facts, and the comparison of its reports and exports.

Rules: docs/mapping.md, "ChatCaptain". Totals are those of the overview report, assumed to exclude test traffic. What
must not come in: how a report (``reports.py``) or an export (``export.py``) is read.
"""

from datetime import date

from extractors.chatcaptain.account import ChatcaptainAccount
from transforms import conform
from transforms.chatcaptain.export import STREAM, ExportTotals, transform_export
from transforms.chatcaptain.export_erasure import ExportRecords
from transforms.chatcaptain.fields import FIELDS
from transforms.chatcaptain.metrics import METRICS
from transforms.chatcaptain.reports import (
    ChannelTotals,
    OverviewTotals,
    transform_channels,
    transform_inbox,
    transform_overview,
)
from transforms.chunk import Chunk
from transforms.facts import Facts, sum_known
from transforms.registry import Transform


def _transform(chunk: Chunk[ChatcaptainAccount], facts: Facts) -> None:
    overviews = transform_overview(chunk, facts)
    channels = transform_channels(chunk, facts)
    transform_inbox(chunk, facts)
    exports = transform_export(chunk, facts)
    for day, overview in overviews.items():
        _compare_types(facts, day, overview)
        if day in exports:
            _compare_export(facts, day, overview, exports[day])
        if day in channels:
            _add_zero_types(facts, day, overview, channels[day])
            _compare_channels(facts, day, overview, channels[day])


def _add_zero_types(facts: Facts, day: date, overview: OverviewTotals, channels: ChannelTotals) -> None:
    """Add zero conversations for each listed type that the split by type omits: an absent name counts zero."""
    if overview.conversations_by_type is not None:
        for channel_type in channels.channel_types - overview.conversations_by_type.keys():
            facts.add("channel_daily", day, {"conversations": 0}, channel_code=channel_type)


def _compare_types(facts: Facts, day: date, overview: OverviewTotals) -> None:
    """Compare the total with its split by channel type, which includes test traffic."""
    if overview.conversations_by_type is None or overview.conversations is None:
        return
    split = sum_known(overview.conversations_by_type.values())
    if split is None:
        return
    test_count = sum_known(count for code, count in overview.conversations_by_type.items() if _is_test(code))
    reason = None
    if test_count and split - overview.conversations == test_count:
        reason = "the difference is the test channel"
    elif test_count and split == overview.conversations:
        reason = "provider counts tests"
    facts.reconcile(day, "conversations", "channel_daily", overview.conversations, split, reason=reason)


def _compare_export(facts: Facts, day: date, overview: OverviewTotals, export: ExportTotals) -> None:
    facts.reconcile(day, "conversations", "export", overview.conversations, export.conversations)
    facts.reconcile(day, "messages", "export", overview.messages, export.messages)


def _compare_channels(facts: Facts, day: date, overview: OverviewTotals, channels: ChannelTotals) -> None:
    """Compare all messages with those of the listed channels, without test channels."""
    listed = {code for code in channels.channel_types if not _is_test(code)}
    messages = channels.total("messages", listed) if listed else 0
    by_type = overview.conversations_by_type or {}
    active = {code for code, count in by_type.items() if count != 0 and not _is_test(code)}  # an unknown count may be
    unlisted = sorted(active - listed)
    reason = f"not listed: {', '.join(unlisted)}" if unlisted and overview.messages != messages else None
    facts.reconcile(day, "messages", "channel_daily", overview.messages, messages, reason=reason)


def _is_test(channel_code: str) -> bool:
    return conform.find_channel(channel_code).is_test


TRANSFORM = Transform(
    run=_transform,
    metrics=METRICS,
    fields=FIELDS,
    personal={STREAM: ExportRecords()},
    meanings={
        "conversations": "Conversations of the overview report, assumed to exclude test traffic.",
        "messages": "Messages of users and bot in the overview report.",
        "interactions": "Interactions of the overview report.",
        "call_duration_seconds": "Call time of all listed voice and audiocodes channels.",
    },
)
