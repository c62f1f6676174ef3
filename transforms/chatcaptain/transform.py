"""ChatCaptain's answers to facts, and what is compared with what. Rules: docs/mapping.md, "ChatCaptain".

Totals are those of the overview report, assumed to leave test traffic out. The reports are read in
``chatcaptain_reports``, the export in ``chatcaptain_export``.
"""

from datetime import date

from transforms import conform
from transforms.chatcaptain import export as chatcaptain_export
from transforms.chatcaptain import reports as chatcaptain_reports
from transforms.chatcaptain.components import CHANNEL, OVERVIEW, SCALAR, shapes
from transforms.chatcaptain.export import Exported
from transforms.chatcaptain.export_columns import ACCEPTED
from transforms.chatcaptain.fields import FIELDS
from transforms.chatcaptain.reports import Channels, Overview
from transforms.chunk import Chunk
from transforms.drift import Named, keys
from transforms.facts import Facts
from transforms.registry import Transform


def _run(chunk: Chunk, facts: Facts) -> None:
    overviews = chatcaptain_reports.overview(chunk, facts)
    channels = chatcaptain_reports.channels(chunk, facts)
    chatcaptain_reports.inbox(chunk, facts)
    exported = chatcaptain_export.run(chunk, facts)
    for day, told in overviews.items():
        _compare_types(facts, day, told)
        if day in exported:
            _compare_export(facts, day, told, exported[day])
        if day in channels:
            _zero_listed(facts, day, told, channels[day])
            _compare_channels(facts, day, told, channels[day])


def _zero_listed(facts: Facts, day: date, told: Overview, channels: Channels) -> None:
    """A listed type that a told split leaves out had no conversation: a name absent from a breakdown is zero."""
    if told.types is not None:
        for kind in channels.types - told.types.keys():
            facts.add("channel_daily", day, {"conversations": 0}, channel_code=kind)


def _compare_types(facts: Facts, day: date, told: Overview) -> None:
    """The total with its split by channel type, which knows test traffic too."""
    if told.types is None or told.conversations is None:
        return
    split = sum(told.types.values())
    tests = sum(count for kind, count in told.types.items() if conform.channel(kind).is_test)
    reason = None
    if tests and split - told.conversations == tests:
        reason = "the difference is the test channel"
    elif tests and split == told.conversations:
        reason = "provider counts tests"
    facts.reconcile(day, "conversations", "channel_daily", told.conversations, split, explained=reason)


def _compare_export(facts: Facts, day: date, told: Overview, exported: Exported) -> None:
    facts.reconcile(day, "conversations", "export", told.conversations, exported.conversations)
    facts.reconcile(day, "messages", "export", told.messages, exported.messages)


def _compare_channels(facts: Facts, day: date, told: Overview, channels: Channels) -> None:
    """All messages with those of the listed channels, test channels left out."""
    listed = {kind for kind in channels.types if not conform.channel(kind).is_test}
    messages = channels.total("messages", listed) if listed else 0
    seen = {kind for kind, count in (told.types or {}).items() if count and not conform.channel(kind).is_test}
    unlisted = sorted(seen - listed)
    reason = f"not listed: {', '.join(unlisted)}" if unlisted and told.messages != messages else None
    facts.reconcile(day, "messages", "channel_daily", told.messages, messages, explained=reason)


TRANSFORM = Transform(
    run=_run,
    metrics=chatcaptain_reports.METRICS,
    known={
        "overview_report": shapes(OVERVIEW),
        "channel_report": shapes(CHANNEL),
        "inbox": Named(SCALAR),
        "export": keys(*ACCEPTED),
    },
    fields=FIELDS,
    meanings={
        "conversations": "Conversations of the overview report, assumed to leave test traffic out.",
        "messages": "Messages of users and bot in the overview report.",
        "interactions": "Interactions of the overview report.",
        "call_duration_seconds": "Call time of all listed voice and audiocodes channels.",
    },
)
