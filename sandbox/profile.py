"""The profile of an account: when its conversations happen, and the members that their values are drawn from.

Types and draws only. An account without a profile has the awkward members of `sandbox/sample_values.py` and an even
rhythm; the profiles of the demo are in `sandbox/demo/`.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import exp
from random import Random
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)
GROWTH_DAYS = 30


@dataclass(frozen=True)
class Weighted(Generic[T]):
    """Members, each with its weight. Only the proportions of the weights count.

    Example:
        >>> Weighted({"de": 8, "en": 2}).pick(0.79), Weighted({"de": 8, "en": 2}).pick(0.81)
        ('de', 'en')
    """

    weights: Mapping[T, float]
    members: tuple[T, ...] = field(init=False)
    _bounds: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.weights))
        object.__setattr__(self, "_bounds", tuple(accumulate(self.weights.values())))

    def pick(self, share: float) -> T:
        """Return the member at a share (0 <= share < 1) of the whole weight."""
        return self.members[min(bisect_right(self._bounds, share * self._bounds[-1]), len(self.members) - 1)]


Pool = tuple[T, ...] | Weighted[T]
"""Members to draw from: of a tuple the earlier ones come up more often."""


@dataclass(frozen=True)
class Event:
    """Something that changes an account's traffic for some days, or for good.

    Attributes:
        first: the first local day.
        days: the number of days; None for an event without an end.
        factor: times so many conversations as without it.
        pools: members that values are drawn from meanwhile, by pool name.
    """

    first: date
    days: int | None = None
    factor: float = 1.0
    pools: Mapping[str, Pool[Any]] = field(default_factory=dict)

    def covers(self, day: date) -> bool:
        """Return whether the event lasts on a day."""
        return self.first <= day and (self.days is None or day < self.first + timedelta(days=self.days))


@dataclass(frozen=True)
class Profile:
    """When an account's conversations happen, and the members that their values are drawn from.

    Attributes:
        weekdays: the traffic of Monday to Sunday, as factors of the account's `daily_conversations`.
        hours: the weight of each local hour, 0 to 23, from Monday to Friday.
        weekend_hours: the same for Saturday and Sunday.
        growth: by which share the traffic grows in 30 days.
        growth_from: the day on which the traffic is `daily_conversations`.
        call_share: the share of calls, for a vendor that draws it.
        pools: the members of each value, by pool name. A pool that is missing here is the vendor's own.
        events: what changes traffic and members on some days.
    """

    weekdays: tuple[float, ...]
    hours: tuple[float, ...]
    weekend_hours: tuple[float, ...]
    growth: float
    growth_from: date
    call_share: float = 0.3
    pools: Mapping[str, Pool[Any]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    def on_day(self, day: date) -> "Profile":
        """Return the profile with the pools of that day's events."""
        changed = [event.pools for event in self.events if event.pools and event.covers(day)]
        return replace(self, pools={name: pool for pools in (self.pools, *changed) for name, pool in pools.items()})

    def draw_count(self, rng: Random, daily_conversations: int, day: date) -> int:
        """Return the number of conversations of a local day; 0 is possible."""
        expected = daily_conversations * self.weekdays[day.weekday()]
        expected *= exp(self.growth * (day - self.growth_from).days / GROWTH_DAYS)
        for event in self.events:
            if event.covers(day):
                expected *= event.factor
        return max(0, round(expected * rng.gauss(1, 0.06)))

    def draw_offsets(self, rng: Random, zone: ZoneInfo, day: date, count: int) -> list[int]:
        """Return the starts of so many conversations, in milliseconds after the start of the local day, ascending."""
        is_weekend = day.weekday() >= 5
        weights = self.weekend_hours if is_weekend else self.hours
        hours = [datetime.combine(day, time(hour), zone).astimezone(UTC) for hour in range(24)]
        bounds = [*hours, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)]
        offsets = [(moment - bounds[0]) // MILLISECOND for moment in bounds]
        pool = Weighted(dict(enumerate(weights)))
        drawn = []
        for _ in range(count):
            hour = pool.pick(rng.random())
            length = max(1, offsets[hour + 1] - offsets[hour])  # the hour that a clock change leaves out has no length
            drawn.append(min(offsets[hour] + int(length * rng.random()), offsets[-1] - 1))
        return sorted(drawn)
