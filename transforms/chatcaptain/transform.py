"""ChatCaptain's answers to facts, and what is compared with what. Rules: docs/mapping.md, "ChatCaptain".

Totals are those of the overview report, assumed to leave test traffic out. The reports are read in
``chatcaptain_reports``, the export in ``chatcaptain_export``.
"""

from datetime import date

from transforms import conform
from transforms.chatcaptain import export as chatcaptain_export
from transforms.chatcaptain import reports as chatcaptain_reports
from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, SCALAR_SHAPE, component_shapes
from transforms.chatcaptain.export import ExportTotals
from transforms.chatcaptain.export_columns import ACCEPTED_COLUMN_NAMES
from transforms.chatcaptain.fields import FIELDS
from transforms.chatcaptain.reports import ChannelTotals, OverviewTotals
from transforms.chunk import Chunk
from transforms.drift import NamedMembers, flat_object
from transforms.facts import Facts
from transforms.registry import Transform


def _run(chunk: Chunk, facts: Facts) -> None:
    overviews = chatcaptain_reports.transform_overview(chunk, facts)
    channels = chatcaptain_reports.transform_channels(chunk, facts)
    chatcaptain_reports.transform_inbox(chunk, facts)
    exported = chatcaptain_export.transform_export(chunk, facts)
    for day, told in overviews.items():
        _compare_types(facts, day, told)
        if day in exported:
            _compare_export(facts, day, told, exported[day])
        if day in channels:
            _zero_listed(facts, day, told, channels[day])
            _compare_channels(facts, day, told, channels[day])


def _zero_listed(facts: Facts, day: date, told: OverviewTotals, channels: ChannelTotals) -> None:
    """A listed type that a told split leaves out had no conversation: a name absent from a breakdown is zero."""
    if told.conversations_by_type is not None:
        for kind in channels.channel_types - told.conversations_by_type.keys():
            facts.add("channel_daily", day, {"conversations": 0}, channel_code=kind)


def _compare_types(facts: Facts, day: date, told: OverviewTotals) -> None:
    """The total with its split by channel type, which knows test traffic too."""
    if told.conversations_by_type is None or told.conversations is None:
        return
    split = sum(told.conversations_by_type.values())
    tests = sum(count for kind, count in told.conversations_by_type.items() if conform.find_channel(kind).is_test)
    reason = None
    if tests and split - told.conversations == tests:
        reason = "the difference is the test channel"
    elif tests and split == told.conversations:
        reason = "provider counts tests"
    facts.reconcile(day, "conversations", "channel_daily", told.conversations, split, reason=reason)


def _compare_export(facts: Facts, day: date, told: OverviewTotals, exported: ExportTotals) -> None:
    facts.reconcile(day, "conversations", "export", told.conversations, exported.conversations)
    facts.reconcile(day, "messages", "export", told.messages, exported.messages)


def _compare_channels(facts: Facts, day: date, told: OverviewTotals, channels: ChannelTotals) -> None:
    """All messages with those of the listed channels, test channels left out."""
    listed = {kind for kind in channels.channel_types if not conform.find_channel(kind).is_test}
    messages = channels.total("messages", listed) if listed else 0
    seen = {
        kind
        for kind, count in (told.conversations_by_type or {}).items()
        if count and not conform.find_channel(kind).is_test
    }
    unlisted = sorted(seen - listed)
    reason = f"not listed: {', '.join(unlisted)}" if unlisted and told.messages != messages else None
    facts.reconcile(day, "messages", "channel_daily", told.messages, messages, reason=reason)


TRANSFORM = Transform(
    run=_run,
    metrics=chatcaptain_reports.METRICS,
    known_shapes={
        "overview_report": component_shapes(OVERVIEW_COMPONENTS),
        "channel_report": component_shapes(CHANNEL_COMPONENTS),
        "inbox": NamedMembers(SCALAR_SHAPE),
        "export": flat_object(*ACCEPTED_COLUMN_NAMES),
    },
    fields=FIELDS,
    meanings={
        "conversations": "Conversations of the overview report, assumed to leave test traffic out.",
        "messages": "Messages of users and bot in the overview report.",
        "interactions": "Interactions of the overview report.",
        "call_duration_seconds": "Call time of all listed voice and audiocodes channels.",
    },
)
