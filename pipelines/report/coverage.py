"""Which days of the accounts are loaded: the map of accounts and days, and of whom two periods can be compared.

From what ``loads.status`` tells, no SQL. A bucket shows its worst day, so that no gap is too small to be seen; so many
accounts at most are drawn, those with gaps before the others.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby

from extractors.windows import ONE_DAY, Window
from pipelines.loads.status import GOOD_STATES, STATES, AccountStatus
from pipelines.report.format import format_bucket_short, format_count, format_window
from pipelines.report.model import AccountTimeline, CoverageMap, StateSpan
from pipelines.report.period import Period

MAX_VISIBLE_ACCOUNTS, MAX_DRAWN_ACCOUNTS = 40, 120
"""Accounts that are shown at once, and those that are drawn at all."""

_WORSE = {state: rank for rank, state in enumerate(("settled", "loaded", "stale", "missing", "failed"))}
_ENOUGH = 0.9  # of a bucket's slices: one gap of many accounts does not make it a part
_NAMED, _TICKS = 3, 6  # gaps that are told in words; labels of the axis


@dataclass(frozen=True)
class PeriodCoverage:
    """The accounts of a report, and how their days stand."""

    period: Period
    statuses: Sequence[AccountStatus]

    @cached_property
    def counts(self) -> Counter[str]:
        """Days of the period by state, all accounts together."""
        return sum((_counts(each, self.period.window) for each in self.statuses), Counter[str]())

    @property
    def loaded_slices(self) -> int:
        """Slices of the period that are loaded."""
        return _good(self.counts)

    @property
    def due_slices(self) -> int:
        """Slices of the period that are demanded, or known."""
        return self.counts.total()

    @cached_property
    def complete_accounts(self) -> frozenset[str]:
        """Accounts all of whose days are loaded, both of the period and of the days before it."""
        both = Window(self.period.previous.start, self.period.window.end)
        return frozenset(each.account.name for each in self.statuses if _good(_counts(each, both)) == len(both))

    @cached_property
    def partial_buckets(self) -> dict[str, set[date]]:
        """Buckets of each provider that stand for a part of their days: cut by the period, or not loaded enough."""
        found: dict[str, set[date]] = {}
        cut = {self.period.bucket_date(each) for each in self.period.buckets if self.period.is_clipped(each)}
        for provider in {each.account.provider for each in self.statuses}:
            good, due = Counter[date](), Counter[date]()
            for state, part in self._by_bucket(provider):
                due[self.period.bucket_date(part)] += len(part)
                good[self.period.bucket_date(part)] += 0 if _is_gap(state) else len(part)
            found[provider] = cut | {at for at in due if good[at] < _ENOUGH * due[at]}
        return found

    def _by_bucket(self, provider: str) -> Iterator[tuple[str, Window]]:
        for status in self.statuses:
            if status.account.provider == provider:
                for state, part in _clipped(status, self.period.window):
                    for bucket in self.period.buckets[_touched(self.period, part)]:
                        yield state, Window(max(part.start, bucket.start), min(part.end, bucket.end))

    @property
    def unloaded_after_period(self) -> int:
        """Slices after the period that are due and not loaded."""
        return sum(
            (each.last - max(each.first, self.period.window.end)).days + 1
            for status in self.statuses
            for each in status.ranges
            if _is_gap(each.state) and each.last > self.period.last
        )


def build_coverage_map(standing: PeriodCoverage) -> CoverageMap:
    """The map; accounts in their order, those with gaps first where there are too many to be shown at once."""
    period, found = standing.period, list(standing.statuses)
    lead = f"One column is a {period.bucket_unit}" + (
        "." if period.bucket_unit == "day" else " and shows its worst day."
    )
    if len(found) > MAX_VISIBLE_ACCOUNTS:
        lead += " Accounts with gaps come first."
        found.sort(key=lambda status: not _has_gap(status, period))
    strips = [_strip(each, period) for each in found[:MAX_DRAWN_ACCOUNTS]]
    opened = max(MAX_VISIBLE_ACCOUNTS, sum(strip.loaded_slices < strip.due_slices for strip in strips))
    left = len(found) - len(strips)
    return CoverageMap(
        column_count=len(period.buckets),
        ticks=_ticks(period),
        visible_timelines=strips[:opened],
        folded_timelines=strips[opened:],
        lead=lead,
        omitted_note=f"Not drawn: {format_count(left, 'more account')}; chatmart status tells of all." if left else "",
    )


def _is_gap(state: str | None) -> bool:
    return state is not None and state not in GOOD_STATES


def _has_gap(status: AccountStatus, period: Period) -> bool:
    return any(_is_gap(state) for state, _ in _clipped(status, period.window))


def _good(counts: Counter[str]) -> int:
    return sum(counts[state] for state in GOOD_STATES)


def _counts(status: AccountStatus, window: Window) -> Counter[str]:
    counted: Counter[str] = Counter()
    for state, part in _clipped(status, window):
        counted[state] += len(part)
    return counted


def _clipped(status: AccountStatus, window: Window) -> Iterator[tuple[str, Window]]:
    for each in status.ranges:
        start, end = max(each.first, window.start), min(each.last + ONE_DAY, window.end)
        if start < end:
            yield each.state, Window(start, end)


def _states(status: AccountStatus, period: Period) -> list[str | None]:
    """The worst state in each bucket; None where no day is due."""
    found: list[str | None] = [None] * len(period.buckets)
    for state, part in _clipped(status, period.window):
        touched = _touched(period, part)
        found[touched] = [max(known or state, state, key=_WORSE.__getitem__) for known in found[touched]]
    return found


def _touched(period: Period, part: Window) -> slice:
    """The places of the buckets that have days of this part of the period."""
    starts = period.clipped_starts
    return slice(bisect_right(starts, part.start) - 1, bisect_left(starts, part.end))


def _strip(status: AccountStatus, period: Period) -> AccountTimeline:
    counts = _counts(status, period.window)
    runs, first = [], 0
    for state, group in groupby(_states(status, period)):
        count = len(list(group))
        if state is not None:
            runs.append(StateSpan(state, first, count))
        first += count
    return AccountTimeline(
        account=status.account.name,
        provider=status.account.provider,
        spans=runs,
        loaded_slices=_good(counts),
        due_slices=counts.total(),
        alt_text=_said(counts, [each for each in _clipped(status, period.window) if _is_gap(each[0])]),
    )


def _said(counts: Counter[str], gaps: Sequence[tuple[str, Window]]) -> str:
    totals = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
    named = "; ".join(f"{state} {format_window(part)}" for state, part in gaps[:_NAMED])
    more = f"; {len(gaps) - _NAMED} more" if len(gaps) > _NAMED else ""
    return (totals or "no day is due") + (f" ({named}{more})" if gaps else "")


def _ticks(period: Period) -> list[tuple[int, str]]:
    every = -(-len(period.buckets) // _TICKS)
    names = period.bucket_dates
    return [(index, format_bucket_short(names[index], period.bucket_unit)) for index in range(0, len(names), every)]
