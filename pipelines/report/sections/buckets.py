"""The buckets of a chart: their names, those of a part of their days, and those without a number.

Shared by the sections with charts over the period; SQL and HTML do not belong here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from pipelines.report.content import Content
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.format import format_bucket, format_number
from pipelines.report.model import Card, Gap
from pipelines.report.period import Period
from pipelines.report.queries import QueryRow

PARTIAL_NOTE = "Hollow bars are of a part of their days: the others are outside the period, not loaded or not reported."
GAP_NOTE = "Hatched: no number, since nothing is loaded or nothing is reported."
ZERO_NOTE = "A dot on the base line is a number of 0."


def name_bucket(bucket: date, period: Period, partial: Mapping[date, str]) -> str:
    """Return the bucket's name, with the part of its days that it covers."""
    return format_bucket(bucket, period.bucket_unit) + (f" ({partial[bucket]})" if bucket in partial else "")


def find_partial_buckets(content: Content, provider: str) -> dict[date, str]:
    """Return the buckets of which a provider has a part of the days, loaded or reported, with that part as text.

    An account that never reports conversations in the period is no reason.
    """
    partial = dict(content.coverage.partial_buckets.get(provider, {}))
    rows = content.list_rows("conversations", provider)
    reporting = {row["account"] for row in rows if row["reported_days"]}
    days: dict[date, list[int]] = {}
    for row in rows:
        if row["account"] in reporting:
            sums = days.setdefault(row["bucket"], [0, 0])
            sums[0] += row["reported_days"]
            sums[1] += row["days"]
    for bucket, (reported, loaded) in days.items():
        if 0 < reported < loaded:
            partial.setdefault(bucket, format_reported_part(reported, loaded))
    return partial


def format_reported_part(reported: int, loaded: int) -> str:
    """Return the number of days with a number, of how many loaded ones."""
    return f"reported for {reported:,} of {loaded:,} loaded days"


def find_gaps(coverage: PeriodCoverage, accounts: Sequence[str], buckets_with_number: Collection[date]) -> list[Gap]:
    """Return the buckets of these accounts that have no number, neighbours with one reason together."""
    return list(_join_gaps(_list_gap_reasons(coverage, accounts, buckets_with_number), coverage.period))


def _list_gap_reasons(
    coverage: PeriodCoverage, accounts: Sequence[str], buckets_with_number: Collection[date]
) -> Iterator[tuple[date, str]]:
    """Yield each bucket of the period with the reason for which it has no number; none for one with a number."""
    loaded_days = [coverage.loaded_days[account] for account in accounts]
    for bucket in coverage.period.bucket_dates:
        if bucket in buckets_with_number:
            yield bucket, ""
        elif any(days.get(bucket) for days in loaded_days):
            yield bucket, "not reported"
        elif any(bucket in days for days in loaded_days):
            yield bucket, "not loaded"
        else:
            yield bucket, "no day is due"


def _join_gaps(reasons: Iterable[tuple[date, str]], period: Period) -> Iterator[Gap]:
    for reason, group in groupby(reasons, key=lambda pair: pair[1]):
        if reason:
            first, *others = (bucket for bucket, _ in group)
            last = others[-1] if others else first
            names = [format_bucket(bucket, period.bucket_unit) for bucket in dict.fromkeys((first, last))]
            yield Gap(first, last, f"{' – '.join(names)}: {reason}")


def write_chart_notes(cards: Iterable[Card]) -> str:
    """Return the explanation of the hollow and hatched marks that the charts of these cards have."""
    listed = list(cards)
    charts = [card.chart for card in listed if card.chart]
    charts += [panel.chart for card in listed for panel in (*card.panels, *card.folded_panels)]
    notes = []
    if any(mark.is_partial for chart in charts for mark in chart.marks):
        notes.append(PARTIAL_NOTE)
    if any(chart.gaps for chart in charts):
        notes.append(GAP_NOTE)
    if any(not mark.value for chart in charts for mark in chart.marks):
        notes.append(ZERO_NOTE)
    return " ".join(notes)


def describe_bars(subject: str, counts: Mapping[date, int], gaps: Sequence[Gap], period: Period) -> str:
    """Return a chart of one series in words: its lowest and highest bar, and the first of its gaps."""
    lowest, highest = (choose(counts, key=lambda bucket: counts[bucket]) for choose in (min, max))
    text = (
        f"Bars: {subject} per {period.bucket_unit}. "
        f"Lowest {format_number(counts[lowest])} ({format_bucket(lowest, period.bucket_unit)}), "
        f"highest {format_number(counts[highest])} ({format_bucket(highest, period.bucket_unit)})."
    )
    return text + "".join(f" {gap.tooltip}." for gap in gaps[:3])


def sum_reported(rows: Iterable[QueryRow]) -> dict[date, int]:
    """Return the conversations of each bucket for which any account reports them."""
    counts: dict[date, int] = {}
    for row in rows:
        if row["conversations"] is not None:
            counts[row["bucket"]] = counts.get(row["bucket"], 0) + row["conversations"]
    return counts
