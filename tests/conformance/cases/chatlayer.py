"""Chatlayer: series cover 31 x 24 hours; insights and intents have no bucket and are requested by day."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sandbox.account import SandboxAccount
from sandbox.vendors import get_vendor
from sandbox.world import World
from tests.conformance.cases import AccountVariant, Cases
from tests.support.day_range import DayRange

LONGEST_SERIES = timedelta(hours=31 * 24)
INTENTS_ON_A_PAGE = 100  # the most that may be requested
TEAM = {"ids": {"team_id": "team-1"}}
DRAFT_TEAM = {"ids": {"team_id": "team-1", "version": "DRAFT"}}
WITHOUT_EVENTS = {"streams": get_vendor("chatlayer").default_streams}


def count_least_requests(world: World, account: SandboxAccount, days: DayRange) -> int:
    """Return the requests for series by the longest range, and for three insights and the pages of intents by day.

    There are four series, and that of the users where days are days of UTC. Team usage comes in days of UTC everywhere.
    """
    series = (4 + (account.timezone == "UTC")) * days.count_ranges(LONGEST_SERIES, account.zone)
    team = days.count_ranges(LONGEST_SERIES, ZoneInfo("UTC")) if "team_id" in account.ids else 0
    pages = 0
    for _, items in world.conversations_by_day(account.name, days):
        intents = {name for item in items if item.version == account.version for name in item.intents}
        pages += max(1, -(-len(intents) // INTENTS_ON_A_PAGE))
    return series + team + 3 * len(days) + pages


CASES = Cases(
    streams={
        "conversations": 31,
        "conversations_by_channel": 31,
        "conversations_by_language": 31,
        "messages": 31,
        "users": 31,
        "insights": 1,
        "intents": 1,
        "team_usage": 31,
        "events": None,
        "flow": None,
    },
    least_requests=count_least_requests,
    shapes={
        "chatlayer_x_values": ("rfc3339", "rfc3339_offset", "date", "epoch_s", "epoch_ms"),
        "chatlayer_buckets": ("all", "sparse"),
        "chatlayer_labels": ("both", "labels", "series_labels"),
        "chatlayer_zeros": ("omit", "keep"),
        "chatlayer_empty": ("bare", "data"),
        "chatlayer_int64": ("string", "number"),
        "chatlayer_short_range": ("refuse", "allow"),
        "chatlayer_page": (7, 2, 100),
    },
    variants=(
        AccountVariant(TEAM, WITHOUT_EVENTS, name_conversations=True),
        AccountVariant(DRAFT_TEAM),
        AccountVariant(DRAFT_TEAM, WITHOUT_EVENTS, name_conversations=True),
        AccountVariant(TEAM),
    ),
    zones=("Europe/Berlin", "America/New_York", "UTC"),  # there are no half-hour buckets
    empty_bodies=("{}", '{"data": {}}', '{"data": []}', '{"data": null}'),
    undated_streams=("insights", "intents", "events", "flow"),
    names_of_digits=("data.x_values[]",),
    request_shapes={"chatlayer_page": INTENTS_ON_A_PAGE},
)
