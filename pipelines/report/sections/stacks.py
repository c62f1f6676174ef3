"""A chart of stacked bars with its legend: the members of one breakdown of a provider, the largest first.

Shared by the sections of channels and of language models; SQL and HTML do not belong here.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.report.changes import compare_values
from pipelines.report.content import Content
from pipelines.report.format import NO_VALUE, format_number, format_percent
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Mark, Table
from pipelines.report.queries import QueryRow
from pipelines.report.sections.buckets import find_gaps, find_partial_buckets, name_bucket, sum_reported


@dataclass(frozen=True)
class Breakdown:
    """A breakdown by members: the columns of its rows, the words for its members and numbers, and its query.

    Rows have ``provider``, ``accounts``, the member, the value and ``bucket``, which is None before the period.
    """

    member: str
    value: str
    query: str
    rest: str
    """The name of all members without a colour of their own."""

    def rank_members(self, rows: Sequence[QueryRow]) -> list[str]:
        """Return the members by their largest share in the numbers of any provider, which are not added."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            if row["bucket"] is not None:
                counts[row["provider"]][row[self.member]] += row[self.value]
        shares: dict[str, float] = {}
        for own in counts.values():
            for member, count in own.items():
                shares[member] = max(shares.get(member, 0), count / (own.total() or 1))
        return sorted(shares, key=lambda member: (-shares[member], member))

    def choose_slots(self, rows: Sequence[QueryRow]) -> dict[str, int]:
        """Return the members that have a colour of their own, with its number."""
        return {member: slot for slot, member in enumerate(self.rank_members(rows)[:SLOT_COUNT], start=1)}


@dataclass(frozen=True)
class StackRows:
    """The rows of one provider, the colours of its members, and its accounts that can be compared."""

    provider: str
    rows: Sequence[QueryRow]
    slots: Mapping[str, int]
    comparable_accounts: Collection[str]


def build_stack_card(content: Content, breakdown: Breakdown, stack: StackRows, title: str, note: str = "") -> Card:
    """Build the card of one provider: the bars, and the members by size with their share and change."""
    period, provider, slots = content.period, stack.provider, stack.slots
    counts, before = defaultdict[str, Counter[date]](Counter), Counter[str]()
    left = {row[breakdown.member] for row in stack.rows if row["bucket"] is not None} - slots.keys()
    for row in stack.rows:
        member = row[breakdown.member]
        name = member if member in slots or left == {member} else breakdown.rest
        if row["bucket"] is None:
            before[name] += row[breakdown.value]
        else:
            counts[name][row["bucket"]] += row[breakdown.value]
    sums = {name: counts[name].total() for name in counts}
    names = sorted(sums, key=lambda name: (name == breakdown.rest, -sums[name], name))
    is_comparable = {account for row in stack.rows for account in row["accounts"]} <= set(stack.comparable_accounts)
    partial, total = find_partial_buckets(content, provider), sum(sums.values())
    marks = [
        Mark(
            bucket,
            slots.get(name, 0),
            count,
            f"{name_bucket(bucket, period, partial)}, {name}: {format_number(count)}",
            bucket in partial,
        )
        for name in names
        for bucket, count in sorted(counts[name].items())
    ]
    known = {mark.bucket_date for mark in marks}
    # a day without any conversation has no members, and none is missing
    zeros = {day for day, number in sum_reported(content.list_rows("conversations", provider)).items() if not number}
    marks += [
        Mark(bucket, slots.get(names[0], 0), 0, f"{name_bucket(bucket, period, partial)}: 0", bucket in partial)
        for bucket in sorted(zeros - known)
    ]
    lines = [
        CardLine(
            name,
            format_number(sums[name]),
            slot=slots.get(name, 0),
            extra=format_percent(sums[name] / total) if total else "",
            change=compare_values(sums[name], before[name]) if is_comparable else None,
        )
        for name in names
    ]
    table_rows = [
        (name_bucket(bucket, period, partial), *(format_number(counts[name].get(bucket)) for name in names))
        for bucket in period.bucket_dates
    ]
    share = format_percent(sums[names[0]] / total) if total else NO_VALUE
    words = f"{breakdown.value} of {provider} by {breakdown.member}"
    alt_text = f"Stacked bars: {words}. The largest is {names[0]} with {share}."
    gaps = find_gaps(content.coverage, content.coverage.accounts_of[provider], known | zeros)
    return Card(
        title,
        note=note,
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, alt_text, gaps=gaps),
        line_headers=(breakdown.member, breakdown.value, "share"),
        lines=lines,
        tables=[
            Table(f"{provider}: {breakdown.value} by {breakdown.member}", (period.bucket_unit, *names), table_rows)
        ],
        sql=content.sql.write(breakdown.query, provider),
    )
