"""Conversations over the period: by provider, and by channel within each provider.

The rows are those of the queries ``totals``, ``conversations``, ``channels`` and ``meanings``. SQL and HTML do not
belong here, nor sums over providers, which count in different ways.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals, compare_values, list_comparable_accounts
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.format import NO_VALUE, format_bucket, format_count, format_number, format_percent, join_names
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Figure, Mark, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import QueryResult, QueryRow

OTHER_CHANNELS = "further channels"
_MAX_ACCOUNTS = 100  # rows of the table by account
_PARTIAL_NOTE = "Pale bars are of a part of their days: the others are outside the period or not loaded."


def build_provider_section(results: QueryResult, coverage: PeriodCoverage, providers: Sequence[str]) -> Section:
    """Build a card for each provider: its conversations over time, and its definition of a conversation."""
    meanings = {row["provider"]: row["meaning"] for row in results["meanings"] if row["measure"] == "conversations"}
    counts_by_provider: dict[str, dict[date, int]] = defaultdict(dict)
    for row in results["conversations"]:
        if row["conversations"] is not None:
            counts_by_provider[row["provider"]][row["bucket"]] = row["conversations"]
    cards = []
    for provider in providers:
        rows = [row for row in results["totals"] if row["provider"] == provider]
        totals = MeasureTotals.from_rows(rows, "conversations")
        counts, meaning = counts_by_provider[provider], meanings.get(provider, "")
        cards.append(_build_provider_card(provider, totals, counts, meaning, coverage))
    lead = "Each provider counts conversations in its own way, described under its chart. Each chart has its own scale."
    title = f"Conversations per {coverage.period.bucket_unit}"
    return Section(
        "conversations", "Conversations", title, lead, cards, _PARTIAL_NOTE if _has_partial_bars(cards) else ""
    )


def build_channel_section(results: QueryResult, coverage: PeriodCoverage, providers: Sequence[str]) -> Section:
    """Build a card for each provider that reports channels; its note counts its omitted test conversations."""
    rows = [row for row in results["channels"] if not row["is_test"]]
    comparable = list_comparable_accounts(results["breakdown_days"], "channel", coverage.complete_accounts)
    slots = {channel: slot for slot, channel in enumerate(_rank_channels(rows)[:SLOT_COUNT], start=1)}
    reporting = {row["provider"] for row in rows if row["bucket"] is not None}
    cards = [
        _build_channel_card(
            provider, [row for row in results["channels"] if row["provider"] == provider], slots, coverage, comparable
        )
        for provider in providers
        if provider in reporting
    ]
    remarks = [_PARTIAL_NOTE] if _has_partial_bars(cards) else []
    silent = [provider for provider in providers if provider not in reporting]
    if silent and reporting:
        remarks.append(f"No channels are reported by {join_names(silent)}.")
    lead = (
        "Channels have the same names for all providers. Bars are stacked in the order of the lists, with the first "
        "channel at the bottom. Channels break down the conversations above; do not add the two."
    )
    return Section(
        "channels", "Channels", f"Channels per {coverage.period.bucket_unit}", lead, cards, " ".join(remarks)
    )


def _build_provider_card(
    provider: str, totals: MeasureTotals, counts: Mapping[date, int], meaning: str, coverage: PeriodCoverage
) -> Card:
    period, change = coverage.period, totals.compare(coverage.complete_accounts)
    if not counts:
        note = f"No conversations are reported for these days. {meaning}".strip()
        return Card(provider, Figure(NO_VALUE), note=note)
    partial = coverage.partial_buckets.get(provider, {})
    marks = [
        Mark(
            bucket,
            1,
            count,
            f"{_name_bucket(bucket, period, partial)}: {format_count(count, 'conversation')}",
            bucket in partial,
        )
        for bucket, count in sorted(counts.items())
    ]
    return Card(
        provider,
        Figure(format_number(totals.current), str(totals.current)),
        unit=f"conversations of {format_count(len(totals.accounts), 'account')}",
        change=change,
        no_change_reason=NOT_COMPARABLE if coverage.complete_accounts and not change else "",
        note=meaning,
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, _describe_bars(provider, counts, period)),
        tables=[
            _build_bucket_table(provider, counts, partial, period),
            *_build_account_tables(totals, coverage.complete_accounts),
        ],
    )


def _build_bucket_table(
    provider: str, counts: Mapping[date, int], partial: Mapping[date, str], period: Period
) -> Table:
    rows = [
        (_name_bucket(bucket, period, partial), format_number(counts.get(bucket))) for bucket in period.bucket_dates
    ]
    return Table(f"{provider}: conversations per {period.bucket_unit}", (period.bucket_unit, "conversations"), rows)


def _build_account_tables(totals: MeasureTotals, complete_accounts: Collection[str]) -> list[Table]:
    """Return a table of the conversations by account; none for a single account."""
    now = sorted(
        (row for row in totals.rows if row["is_current"]), key=lambda row: (-row["conversations"], row["account"])
    )
    if len(now) < 2:
        return []
    rows = []
    for row in now[:_MAX_ACCOUNTS]:
        own_rows = tuple(other for other in totals.rows if other["account"] == row["account"])
        change = MeasureTotals(own_rows, totals.measure).compare(complete_accounts)
        rows.append((row["account"], format_number(row["conversations"]), change.text if change else NO_VALUE))
    left = now[_MAX_ACCOUNTS:]
    more = f"{format_count(len(left), 'more account')}: {format_number(sum(row['conversations'] for row in left))}"
    return [Table("By account", ("account", "conversations", "change"), rows, omitted_note=more if left else "")]


def _build_channel_card(
    provider: str,
    all_rows: Sequence[QueryRow],
    slots: Mapping[str, int],
    coverage: PeriodCoverage,
    comparable_accounts: Collection[str],
) -> Card:
    period, counts, before = coverage.period, defaultdict[str, Counter[date]](Counter), Counter[str]()
    rows = [row for row in all_rows if not row["is_test"]]
    tests = sum(row["conversations"] for row in all_rows if row["is_test"] and row["bucket"] is not None)
    left = {row["channel"] for row in rows if row["bucket"] is not None} - slots.keys()
    for row in rows:
        name = row["channel"] if row["channel"] in slots or left == {row["channel"]} else OTHER_CHANNELS
        if row["bucket"] is None:
            before[name] += row["conversations"]
        else:
            counts[name][row["bucket"]] += row["conversations"]
    names = sorted(counts, key=lambda name: slots.get(name, SLOT_COUNT + 1))
    sums = {name: counts[name].total() for name in names}
    is_comparable = {account for row in rows for account in row["accounts"]} <= set(comparable_accounts)
    partial, total = coverage.partial_buckets.get(provider, {}), sum(sums.values())
    marks = [
        Mark(
            bucket,
            slots.get(name, 0),
            count,
            f"{_name_bucket(bucket, period, partial)}, {name}: {format_number(count)}",
            bucket in partial,
        )
        for name in names
        for bucket, count in sorted(counts[name].items())
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
        (_name_bucket(bucket, period, partial), *(format_number(counts[name].get(bucket)) for name in names))
        for bucket in period.bucket_dates
    ]
    largest = max(names, key=lambda name: sums[name])
    share = format_percent(sums[largest] / total) if total else NO_VALUE
    alt_text = f"Stacked bars: conversations of {provider} by channel. The largest is {largest} with {share}."
    return Card(
        provider,
        note=f"Test channels are left out: {format_count(tests, 'conversation')}." if tests else "",
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, alt_text),
        line_headers=("channel", "conversations", "share"),
        lines=lines,
        tables=[Table(f"{provider}: conversations by channel", (period.bucket_unit, *names), table_rows)],
    )


def _rank_channels(rows: Sequence[QueryRow]) -> list[str]:
    """Return the channels by their largest share in a provider's conversations. Providers' counts are not added."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["bucket"] is not None:
            counts[row["provider"]][row["channel"]] += row["conversations"]
    shares: dict[str, float] = {}
    for own in counts.values():
        for channel, count in own.items():
            shares[channel] = max(shares.get(channel, 0), count / (own.total() or 1))
    return sorted(shares, key=lambda channel: (-shares[channel], channel))


def _has_partial_bars(cards: Sequence[Card]) -> bool:
    return any(mark.is_partial for card in cards if card.chart for mark in card.chart.marks)


def _name_bucket(bucket: date, period: Period, partial: Mapping[date, str]) -> str:
    return format_bucket(bucket, period.bucket_unit) + (f" ({partial[bucket]})" if bucket in partial else "")


def _describe_bars(provider: str, counts: Mapping[date, int], period: Period) -> str:
    lowest, highest = (choose(counts, key=lambda bucket: counts[bucket]) for choose in (min, max))
    return (
        f"Bars: conversations of {provider} per {period.bucket_unit}. "
        f"Lowest {format_number(counts[lowest])} ({format_bucket(lowest, period.bucket_unit)}), "
        f"highest {format_number(counts[highest])} ({format_bucket(highest, period.bucket_unit)})."
    )
