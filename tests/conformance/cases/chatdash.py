"""ChatDash: one request covers one local day, because the buckets of its counts are unpublished."""

from sandbox.account import SandboxAccount
from sandbox.world import World
from tests.conformance.cases import AccountVariant, Cases
from tests.support.day_range import DayRange


def count_least_requests(_world: World, _account: SandboxAccount, days: DayRange) -> int:
    """Return one request for each day."""
    return len(days)


CASES = Cases(
    streams={"analytics": 1},
    least_requests=count_least_requests,
    shapes={
        "chatdash_totals": ("total", "total_only", "one_count", "neither"),
        "chatdash_tokens": ("list", "absent"),
        "chatdash_refusal": ("named", "unnamed"),
        "chatdash_top": (10, 3),
    },
    variants=(
        AccountVariant(settings={"privacy": {"message_texts": "keep"}}),
        AccountVariant(),
        AccountVariant(
            {
                "absent_metrics": frozenset({"understoodMessages", "topTopics"}),
                "refused_metrics": frozenset({"averageCost", "uniqueIps"}),
            }
        ),
    ),
    undated_streams=("analytics",),
)
