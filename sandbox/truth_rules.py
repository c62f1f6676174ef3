"""The shared parts of the vendors' truths: the query, the blank rows, and how members are conformed.

They follow docs/mapping.md, "Rules for all". A vendor's own rule belongs in `sandbox/<provider>/truth.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic

from sandbox.account import SandboxAccount
from sandbox.common_shapes import S
from sandbox.conversations import Conversation

if TYPE_CHECKING:  # the world imports the vendors' declarations, which import this module
    from sandbox.world import World

Row = dict[str, Any]
UNKNOWN = "unknown"
BLANK_CONVERSATION_DAILY: Mapping[str, None] = dict.fromkeys(
    (
        "conversations",
        "messages",
        "user_messages",
        "interactions",
        "understood_messages",
        "misunderstood_messages",
        "unique_users",
        "call_duration_seconds",
        "cost_amount",
        "cost_currency",
        "tokens",
    )
)
BLANK_CONVERSATION: Mapping[str, Any] = {
    "conversation_id": None,
    "started_at": None,
    "ended_at": None,
    "channel_code": UNKNOWN,
    "is_test": False,
    "language_code": UNKNOWN,
    "language": UNKNOWN,
    **dict.fromkeys(
        (
            "type",
            "project_id",
            "integration_id",
            "messages",
            "user_messages",
            "interactions",
            "duration_seconds",
            "end_reason",
            "transfer_target",
            "user_id",
            "properties",
        )
    ),
}


@dataclass(frozen=True)
class TruthQuery(Generic[S]):
    """One account and local day: its conversations, the streams that were pulled, and the settings that matter."""

    world: "World"
    account: SandboxAccount
    day: date
    conversations: list[Conversation]
    streams: frozenset[str]
    shapes: S
    conversation_ids: tuple[str, ...]
    keep_message_texts: bool

    def get_if_pulled(self, stream: str, value: Any) -> Any:
        """Return the value if its stream was pulled, else None."""
        return value if stream in self.streams else None


Rule = Callable[[TruthQuery[S]], Iterable[Row]]
"""Computes the rows of one business view for one account and local day."""


def conform_member(name: str | None) -> str:
    """Return a member as the vendor spells it; an empty one is `unknown`."""
    return name or UNKNOWN


def conform_language_tag(code: str) -> str:
    """Return a BCP 47 tag in canonical case; an empty one is `unknown`."""
    if not code:
        return UNKNOWN
    base, *rest = code.split("-")
    cased = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join([base.lower(), *cased])


def language_base(tag: str) -> str:
    """Return the base language of a canonical tag."""
    return tag.split("-")[0]


def sum_by_member(pairs: Iterable[tuple[str, int]], conform: Callable[[str], str] = conform_member) -> dict[str, int]:
    """Return the sum of the counts of each conformed member; members with zero are left out."""
    sums: Counter[str] = Counter()
    for name, number in pairs:
        sums[conform(name)] += number
    return {name: number for name, number in sums.items() if number}


def build_language_rows(codes: Iterable[str]) -> list[Row]:
    """Return the rows of `language_daily`; `codes` holds one language per conversation."""
    return [
        {"language_code": tag, "language": language_base(tag), "conversations": number}
        for tag, number in sum_by_member(((code, 1) for code in codes), conform_language_tag).items()
    ]


def build_metric_row(
    name: str, value: int | Decimal | None, member: str | None = None, channel_id: str | None = None
) -> list[Row]:
    """Return one row of `metric_daily`, or none: for an unknown scalar, and for a member with zero."""
    if value is None or (member is not None and not value):
        return []
    return [{"metric": name, "member": member, "channel_id": channel_id, "value": Decimal(value)}]


def build_metric_rows(name: str, counts: Mapping[str, int], channel_id: str | None = None) -> list[Row]:
    """Return the rows of `metric_daily` of one metric with members, from the counts by member."""
    return [
        row
        for member, number in sum_by_member(counts.items()).items()
        for row in build_metric_row(name, number, member, channel_id)
    ]
