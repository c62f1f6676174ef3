"""The vendors' own arithmetic: medians, averages, top lists, bins, peaks.

Definitions only. The endpoints and the truth share them, because they belong to the vendor and not to our mapping.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sandbox.conversations import Conversation

SIX_PLACES = Decimal("0.000001")
INSIGHT_BINS = {
    "num_conversations": ((1, 1, "1"), (2, 2, "2"), (3, 5, "3-5"), (6, None, "6+")),
    "duration_seconds": ((0, 29, "0-29"), (30, 119, "30-119"), (120, 599, "120-599"), (600, None, "600+")),
    "num_messages": ((0, 4, "0-4"), (5, 9, "5-9"), (10, 19, "10-19"), (20, 49, "20-49"), (50, None, "50+")),
}


def median(values: Iterable[int | Decimal]) -> Decimal | None:
    """Return the middle value or the mean of the two middle ones, in the unit of the values; None without values."""
    ordered = sorted(map(Decimal, values))
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def average(total: int | Decimal, count: int) -> Decimal | None:
    """Return total / count with six decimal places, in the unit of the total; None if the count is zero."""
    return (Decimal(total) / count).quantize(SIX_PLACES) if count else None


def select_top_members(counter: Counter[str], limit: int) -> list[tuple[str, int]]:
    """Return the members with the highest counts; equal counts are ordered by name."""
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def count_by_bin(stat: str, items: Sequence[Conversation]) -> dict[str, int]:
    """Return one Chatlayer insights distribution: users (`num_conversations`) or conversations (other stats) by bin."""
    if stat == "num_conversations":
        values = list(Counter(item.user for item in items).values())
    elif stat == "duration_seconds":
        values = [int((item.ended_at - item.started_at).total_seconds()) for item in items]
    else:
        values = [item.messages for item in items]
    return {
        name: sum(low <= value and (high is None or value <= high) for value in values)
        for low, high, name in INSIGHT_BINS[stat]
    }


def max_concurrent_calls(calls: Sequence[Conversation]) -> int:
    """Return the highest number of calls that ran at the same instant."""
    changes = sorted([(call.started_at, 1) for call in calls] + [(call.ended_at, -1) for call in calls])
    running = highest = 0
    for _, change in changes:
        running += change
        highest = max(highest, running)
    return highest


def ms_to_minutes(milliseconds: int) -> Decimal:
    """Return minutes with eight decimal places: times 60 they give the milliseconds back."""
    return (Decimal(milliseconds) / 60_000).quantize(Decimal("0.00000001"))


def ms_to_seconds(milliseconds: int) -> Decimal:
    """Return seconds with three decimal places."""
    return Decimal(milliseconds).scaleb(-3)
