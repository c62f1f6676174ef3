"""Cognigy: one request covers a calendar month of one counter."""

from sandbox.account import SandboxAccount
from sandbox.world import World
from tests.conformance.cases import AccountVariant, Cases
from tests.support.day_range import DayRange


def count_least_requests(_world: World, _account: SandboxAccount, days: DayRange) -> int:
    """Return one request for each calendar month; the other counters are enabled by name only."""
    return days.count_months()


CASES = Cases(
    streams={"conversation_counter": 31, "call_counter": 31, "knowledge_query_counter": 31},
    least_requests=count_least_requests,
    shapes={
        "cognigy_empty_days": ("omit", "zero"),
        "cognigy_per_channel": ("list", "absent", "empty"),
        "cognigy_error_code": ("number", "string"),
    },
    empty_bodies=('{"items": []}',),
    variants=(
        AccountVariant(),
        AccountVariant(settings={"auth": "query"}),
        AccountVariant(settings={"auth": "bearer"}),
    ),
)
