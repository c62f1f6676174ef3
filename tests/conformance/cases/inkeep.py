"""Inkeep: a month's rows in halves until a response holds them all; totals by month, or by day outside UTC."""

from datetime import datetime

from sandbox.account import SandboxAccount
from sandbox.conversations import MILLISECOND
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.conformance.cases import AccountVariant, Cases
from tests.support.day_range import DAY, DayRange, midnight


def count_least_requests(world: World, account: SandboxAccount, days: DayRange) -> int:
    """Return each month's rows, halved until a response holds them all, and the totals by month or by day."""
    rows = 0
    for month in days.split_by_month():
        instants = [item.started_at for _, items in world.conversations_by_day(account.name, month) for item in items]
        rows += _count_halves(midnight(month.first, account.zone), midnight(month.last + DAY, account.zone), instants)
    return rows + (days.count_months() if account.timezone == "UTC" else len(days))


def _count_halves(start: datetime, end: datetime, instants: list[datetime]) -> int:
    if len(instants) <= ResponseShapes().inkeep_page_size:
        return 1
    middle = start + (end - start) // (2 * MILLISECOND) * MILLISECOND
    before, after = [at for at in instants if at < middle], [at for at in instants if at >= middle]
    return 1 + _count_halves(start, middle, before) + _count_halves(middle, end, after)


CASES = Cases(
    streams={"conversations": 31, "conversation_totals": 31},
    least_requests=count_least_requests,
    shapes={"inkeep_page_size": (100, 5), "inkeep_buckets": ("date", "instant", "space")},
    variants=(
        AccountVariant(),
        AccountVariant({"burst_size": 7}),
        AccountVariant(settings={"detail": False, "streams": ["conversation_totals"]}),
    ),
    names_of_digits=("data.result[].userProperties.userId", "data.result[].userProperties.id"),
)
