"""Combinations of response shapes and circumstances, in which every two values occur together at least once.

A shape is a value of a field of `ResponseShapes`. A circumstance belongs to the account or the world: time zone, seed,
settings. No expectations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from allpairspy import AllPairs

from extractors.registry import PROVIDERS, get_provider
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.vendors import get_vendor
from sandbox.world import World
from tests.conformance.cases import COMMON_SHAPES, get_cases
from tests.support.installation import Installation, days_from

SEEDS = (7, 11, 23, 42)
CLOCK_CHANGES = {  # the local days on which clocks change; zones without a change take Berlin's days
    ("Europe/Berlin", "spring"): date(2025, 3, 30),
    ("Europe/Berlin", "autumn"): date(2025, 10, 26),
    ("America/New_York", "spring"): date(2025, 3, 9),
    ("America/New_York", "autumn"): date(2025, 11, 2),
}

SHAPES: Mapping[str, Sequence[Any]] = {
    **COMMON_SHAPES,
    **{name: values for provider in PROVIDERS for name, values in get_cases(provider).shapes.items()},
}
FAILING_SHAPES = frozenset({"delay_seconds", "export_link_seconds", "export_error", "csv_cut_bytes"})
"""Shapes that delay a response or make it fail: there is nothing to load then."""
BOT_STREAMS = get_vendor("chatlayer").default_streams

CIRCUMSTANCES: Mapping[str, Sequence[Any]] = {
    "zone": ("Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata"),
    "seed": SEEDS,
    "change": ("spring", "autumn"),
    "chatdash_lacks_and_refuses": (False, True),
    "chatlayer_version": ("LIVE", "DRAFT"),
    "chatlayer_flows": ("named", "found"),
    "inkeep_detail": (True, False),
    "inkeep_burst": (0, 7),
}


@dataclass(frozen=True)
class Combination:
    """One value of every circumstance and of every shape."""

    circumstances: Mapping[str, Any]
    shapes: ResponseShapes

    def __str__(self) -> str:
        return "{zone}, {change}, seed {seed}".format(**self.circumstances)

    def list_days(self, around: int) -> list[date]:
        """Return the local day on which the clock changes, with `around` days before and after it."""
        zone, season = self.circumstances["zone"], self.circumstances["change"]
        change = CLOCK_CHANGES.get((zone, season)) or CLOCK_CHANGES["Europe/Berlin", season]
        return days_from(change - timedelta(days=around), 2 * around + 1)

    def build_accounts(self, daily: int) -> tuple[SandboxAccount, ...]:
        """Return an account of every provider, in UTC where it cannot serve the zone."""
        zone = self.circumstances["zone"]
        is_poor = self.circumstances["chatdash_lacks_and_refuses"]
        burst_size = self.circumstances["inkeep_burst"]
        bot = {"team_id": "team-1", "version": self.circumstances["chatlayer_version"]}
        traits: dict[str, dict[str, Any]] = {
            "chatdash": {
                "absent_metrics": frozenset({"understoodMessages", "topTopics"} if is_poor else ()),
                "refused_metrics": frozenset({"averageCost", "uniqueIps"} if is_poor else ()),
            },
            "chatlayer": {"ids": bot},
            "inkeep": {"burst_size": burst_size},
        }
        return tuple(
            SandboxAccount(
                f"one-{name}",
                name,
                zone if zone in get_cases(name).zones else "UTC",
                daily_conversations=daily,
                **traits.get(name, {}),
            )
            for name in PROVIDERS
        )

    def build_settings(self, world: World, days: Sequence[date]) -> dict[str, dict[str, Any]]:
        """Return the configuration keys of each account, with all of its streams enabled."""
        bot: dict[str, Any] = {"streams": BOT_STREAMS}
        if self.circumstances["chatlayer_flows"] == "named":
            conversation_ids = [
                item.id for _, items in world.conversations_by_day("one-chatlayer", days) for item in items
            ]
            bot["conversation_ids"] = [*conversation_ids, "one-chatlayer-250301-gone"]
        else:
            bot["streams"] = [*BOT_STREAMS, "events"]
        return {
            **{f"one-{name}": {"streams": [*get_provider(name).streams]} for name in PROVIDERS},
            "one-chatdash": {"privacy": {"message_texts": "keep"}},
            "one-chatlayer": bot,
            "one-inkeep": {"detail": self.circumstances["inkeep_detail"]},
        }

    def with_zone_and_seed(self, zone: str, seed: int) -> "Combination":
        """Return the same shapes in another time zone and another world."""
        return replace(self, circumstances={**self.circumstances, "zone": zone, "seed": seed})


@dataclass(frozen=True)
class TruthComparison:
    """The result of a combination: the number of compared rows, and the errors, differences and unexplained lines."""

    rows: int
    differences: tuple[str, ...]


def load_and_compare(folder: Path, combination: Combination, *, around: int, daily: int) -> TruthComparison:
    """Load the days around the clock change in this process, and compare all views with the truth."""
    accounts, days = combination.build_accounts(daily), combination.list_days(around)
    with Sandbox(World(combination.circumstances["seed"], accounts), combination.shapes) as sandbox:
        product = Installation(folder, sandbox, accounts, combination.build_settings(sandbox.world, days))
        result = product.load(days)
        rows, lines = product.compare_with_truth(days)
    lines += [error for outcome in result.outcomes for error in outcome.errors]
    if not combination.shapes.totals_count_tests:  # the exported lines are compared without test traffic
        lines += product.read_unexplained()
    return TruthComparison(rows, tuple(lines))


def build_pairwise_combinations() -> list[Combination]:
    """Return few combinations in which every two values of different factors occur together."""
    factors = {**CIRCUMSTANCES, **SHAPES}
    names = sorted(factors, key=lambda name: -len(factors[name]))  # the longest lists first: fewer rows
    rows = AllPairs([list(factors[name]) for name in names])
    return [_build_combination(dict(zip(names, row, strict=True))) for row in rows]


def _build_combination(chosen: Mapping[str, Any]) -> Combination:
    circumstances = {name: chosen[name] for name in CIRCUMSTANCES}
    return Combination(circumstances, ResponseShapes(**{name: chosen[name] for name in SHAPES}))


def build_combinations_in_all_zones() -> list[Combination]:
    """Return every pairwise combination in every time zone, each time in another world."""
    zones = CIRCUMSTANCES["zone"]
    return [
        combination.with_zone_and_seed(zone, SEEDS[(number + offset) % len(SEEDS)])
        for number, combination in enumerate(build_pairwise_combinations())
        for offset, zone in enumerate(zones)
    ]
