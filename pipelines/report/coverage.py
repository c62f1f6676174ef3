"""The loaded days of the accounts: the coverage map, and the accounts whose two periods are comparable.

Everything comes from ``loads.status``; SQL does not belong here. A bucket shows its worst day, so that even a short
gap is visible. The map draws at most 120 accounts, those with gaps first.
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
from pipelines.report.format import format_bucket_short, format_count, format_part, format_window
from pipelines.report.model import AccountTimeline, CoverageMap, StateSpan
from pipelines.report.period import Period

MAX_VISIBLE_ACCOUNTS, MAX_DRAWN_ACCOUNTS = 40, 120
"""How many accounts are shown without unfolding, and how many are drawn at all."""

_WORSE = {state: rank for rank, state in enumerate(("settled", "loaded", "stale", "missing", "failed"))}
_MAX_NAMED_GAPS, _MAX_TICKS = 3, 6  # gaps in the alternative text; labels of the axis


@dataclass(frozen=True)
class PeriodCoverage:
    """The accounts of a report, with the load states of their days in the period."""

    period: Period
    statuses: Sequence[AccountStatus]

    @cached_property
    def counts(self) -> Counter[str]:
        """The number of slices of the period by state, for all accounts together."""
        return sum((_count_states(status, self.period.window) for status in self.statuses), Counter[str]())

    @property
    def loaded_slices(self) -> int:
        """The number of loaded slices of the period."""
        return _count_loaded(self.counts)

    @property
    def due_slices(self) -> int:
        """The number of slices of the period that are due or have a state."""
        return self.counts.total()

    @cached_property
    def complete_accounts(self) -> frozenset[str]:
        """The names of the accounts that have every day of the period and of the days before it loaded."""
        both = Window(self.period.previous.start, self.period.window.end)
        return frozenset(
            status.account.name for status in self.statuses if _count_loaded(_count_states(status, both)) == len(both)
        )

    @cached_property
    def loaded_days(self) -> dict[str, Counter[date]]:
        """By account, the number of loaded days of each bucket in which days of the account are due or have a state."""
        return {status.account.name: self._count_loaded_by_bucket(status) for status in self.statuses}

    @cached_property
    def accounts_of(self) -> dict[str, list[str]]:
        """The names of the accounts of each provider."""
        names: dict[str, list[str]] = {}
        for status in self.statuses:
            names.setdefault(status.account.provider, []).append(status.account.name)
        return names

    @cached_property
    def partial_buckets(self) -> dict[str, dict[date, str]]:
        """By provider, the dates of buckets that cover a part of their days, with that part as text (2 of 31 days)."""
        return {provider: self.find_partial_buckets(accounts) for provider, accounts in self.accounts_of.items()}

    def find_partial_buckets(self, accounts: Sequence[str]) -> dict[date, str]:
        """Return the buckets of which these accounts have a part of the days, with that part as text.

        A bucket has all days of each account that has begun by its end; days outside the period are not covered.
        """
        loaded, begun = Counter[date](), Counter[date]()
        for account in accounts:
            loaded.update(self.loaded_days[account])
            begun.update(self.loaded_days[account].keys())
        lengths = {bucket: self.period.bucket_length(bucket) * count for bucket, count in begun.items()}
        return {
            bucket: format_part(loaded[bucket], length, begun[bucket])
            for bucket, length in lengths.items()
            if loaded[bucket] < length
        }

    def _count_loaded_by_bucket(self, status: AccountStatus) -> Counter[date]:
        counts = Counter[date]()
        for state, part in _clip_ranges(status, self.period.window):
            for bucket in self.period.buckets[_find_buckets(self.period, part)]:
                days = (min(part.end, bucket.end) - max(part.start, bucket.start)).days
                counts[self.period.bucket_date(bucket)] += 0 if _is_gap(state) else days
        return counts

    @property
    def unloaded_after_period(self) -> int:
        """The number of slices after the period that are due and not loaded."""
        return sum(
            (part.last - max(part.first, self.period.window.end)).days + 1
            for status in self.statuses
            for part in status.ranges
            if _is_gap(part.state) and part.last > self.period.last
        )


def build_coverage_map(coverage: PeriodCoverage) -> CoverageMap:
    """Build the map, with the accounts in their order; above 40 accounts, those with gaps come first."""
    period, statuses = coverage.period, list(coverage.statuses)
    lead = f"One column is a {period.bucket_unit}" + (
        "." if period.bucket_unit == "day" else " and shows its worst day."
    )
    if len(statuses) > MAX_VISIBLE_ACCOUNTS:
        lead += " Accounts with gaps come first."
        statuses.sort(key=lambda status: not _has_gap(status, period))
    timelines = [_build_timeline(status, period) for status in statuses[:MAX_DRAWN_ACCOUNTS]]
    incomplete = sum(timeline.loaded_slices < timeline.due_slices for timeline in timelines)
    visible = max(MAX_VISIBLE_ACCOUNTS, incomplete)
    omitted = len(statuses) - len(timelines)
    omitted_note = f"Not drawn: {format_count(omitted, 'more account')}. chatmart status lists all accounts."
    return CoverageMap(
        column_count=len(period.buckets),
        ticks=_build_ticks(period),
        visible_timelines=timelines[:visible],
        folded_timelines=timelines[visible:],
        lead=lead,
        omitted_note=omitted_note if omitted else "",
    )


def _is_gap(state: str | None) -> bool:
    return state is not None and state not in GOOD_STATES


def _has_gap(status: AccountStatus, period: Period) -> bool:
    return any(_is_gap(state) for state, _ in _clip_ranges(status, period.window))


def _count_loaded(counts: Counter[str]) -> int:
    return sum(counts[state] for state in GOOD_STATES)


def _count_states(status: AccountStatus, window: Window) -> Counter[str]:
    counts: Counter[str] = Counter()
    for state, part in _clip_ranges(status, window):
        counts[state] += len(part)
    return counts


def _clip_ranges(status: AccountStatus, window: Window) -> Iterator[tuple[str, Window]]:
    """Yield the parts of the account's state ranges that lie in the window."""
    for state_range in status.ranges:
        start, end = max(state_range.first, window.start), min(state_range.last + ONE_DAY, window.end)
        if start < end:
            yield state_range.state, Window(start, end)


def _find_worst_states(status: AccountStatus, period: Period) -> list[str | None]:
    """Return the worst state of each bucket; None when no day of it is due."""
    states: list[str | None] = [None] * len(period.buckets)
    for state, part in _clip_ranges(status, period.window):
        buckets = _find_buckets(period, part)
        states[buckets] = [max(known or state, state, key=_WORSE.__getitem__) for known in states[buckets]]
    return states


def _find_buckets(period: Period, part: Window) -> slice:
    """Return the slice of the period's buckets that have days of this part of the period."""
    starts = period.clipped_starts
    return slice(bisect_right(starts, part.start) - 1, bisect_left(starts, part.end))


def _build_timeline(status: AccountStatus, period: Period) -> AccountTimeline:
    counts = _count_states(status, period.window)
    gaps = [(state, part) for state, part in _clip_ranges(status, period.window) if _is_gap(state)]
    spans, first = [], 0
    for state, group in groupby(_find_worst_states(status, period)):
        count = len(list(group))
        if state is not None:
            spans.append(StateSpan(state, first, count))
        first += count
    return AccountTimeline(
        account=status.account.name,
        provider=status.account.provider,
        spans=spans,
        loaded_slices=_count_loaded(counts),
        due_slices=counts.total(),
        alt_text=_describe_states(counts, gaps),
    )


def _describe_states(counts: Counter[str], gaps: Sequence[tuple[str, Window]]) -> str:
    totals = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
    named = "; ".join(f"{state} {format_window(part)}" for state, part in gaps[:_MAX_NAMED_GAPS])
    more = f"; {len(gaps) - _MAX_NAMED_GAPS} more" if len(gaps) > _MAX_NAMED_GAPS else ""
    return (totals or "no day is due") + (f" ({named}{more})" if gaps else "")


def _build_ticks(period: Period) -> list[tuple[int, str]]:
    step = -(-len(period.buckets) // _MAX_TICKS)
    dates = period.bucket_dates
    return [(index, format_bucket_short(dates[index], period.bucket_unit)) for index in range(0, len(dates), step)]
