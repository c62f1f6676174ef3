"""What the providers' truths share: what is asked, the blank row, and how members are conformed.

docs/mapping.md, "Rules for all". No provider's own rule comes in.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.accounts import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.shapes import ResponseShapes
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
class TruthQuery:
    """One account and local day, its conversations, and what was pulled and how."""

    world: World
    account: SandboxAccount
    day: date
    conversations: list[Conversation]
    streams: frozenset[str]
    shapes: ResponseShapes
    conversation_ids: tuple[str, ...]
    keep_message_texts: bool

    def value_if_pulled(self, stream: str, value: Any) -> Any:
        """The value when its stream was pulled, else None."""
        return value if stream in self.streams else None


def conform_member(name: str | None) -> str:
    """A member as told; nothing told is `unknown`."""
    return name or UNKNOWN


def conform_language_tag(code: str) -> str:
    """A BCP 47 tag in canonical case; nothing told is `unknown`."""
    if not code:
        return UNKNOWN
    base, *rest = code.split("-")
    cased = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join([base.lower(), *cased])


def language_base(tag: str) -> str:
    """The base language of a canonical tag."""
    return tag.split("-")[0]


def sum_by_member(pairs: Iterable[tuple[str, int]], conform: Callable[[str], str] = conform_member) -> dict[str, int]:
    """Counts per conformed member, added up; members with zero are left out."""
    counted: Counter[str] = Counter()
    for name, number in pairs:
        counted[conform(name)] += number
    return {name: number for name, number in counted.items() if number}


def language_rows(codes: Iterable[str]) -> list[Row]:
    """The rows of `language_daily` for one language per conversation."""
    return [
        {"language_code": tag, "language": language_base(tag), "conversations": number}
        for tag, number in sum_by_member(((code, 1) for code in codes), conform_language_tag).items()
    ]


def metric_row(
    name: str, value: int | Decimal | None, of: str | None = None, channel_id: str | None = None
) -> list[Row]:
    """One row of `metric_daily`; a scalar that is not told, and a member with zero, has none."""
    if value is None or (of is not None and not value):
        return []
    return [{"metric": name, "member": of, "channel_id": channel_id, "value": Decimal(value)}]


def metric_rows(name: str, counts: Mapping[str, int], channel_id: str | None = None) -> list[Row]:
    """The rows of `metric_daily` of one metric with members."""
    return [
        row for of, number in sum_by_member(counts.items()).items() for row in metric_row(name, number, of, channel_id)
    ]
