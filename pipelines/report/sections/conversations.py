"""Conversations over the period: by provider, and by channel within each provider. Providers are never added up.

From the answers to ``totals``, ``conversations``, ``channels`` and ``meanings``.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals, QueryRow, compare_values
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.format import NO_VALUE, format_bucket, format_count, format_number, format_percent, join_names
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Figure, Mark, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import QueryResult

OTHER_CHANNELS = "further channels"
_ACCOUNTS = 100  # that a table has
_PART = " (part)"
_PALE = "Pale bars stand for a part of their days: the period cuts them, or more than a tenth is not loaded."


def build_provider_section(answer: QueryResult, standing: PeriodCoverage, providers: Sequence[str]) -> Section:
    """A card for each provider: its conversations over time, and what it means by the word."""
    meanings = {row["provider"]: row["meaning"] for row in answer["meanings"] if row["measure"] == "conversations"}
    over_time: dict[str, dict[date, int]] = defaultdict(dict)
    for row in answer["conversations"]:
        if row["conversations"] is not None:
            over_time[row["provider"]][row["bucket"]] = row["conversations"]
    cards = []
    for provider in providers:
        told = MeasureTotals.from_rows(
            (row for row in answer["totals"] if row["provider"] == provider), "conversations"
        )
        cards.append(_provider_card(provider, told, over_time[provider], meanings.get(provider, ""), standing))
    lead = "Each provider counts in its own words, told under its chart, so these charts have scales of their own."
    title = f"Conversations per {standing.period.bucket_unit}"
    return Section("conversations", "Conversations", title, lead, cards, _PALE if _has_parts(cards) else "")


def build_channel_section(answer: QueryResult, standing: PeriodCoverage, providers: Sequence[str]) -> Section:
    """A card for each provider that tells channels; test channels are left out, and said."""
    rows = [row for row in answer["channels"] if not row["is_test"]]
    ranked = Counter[str]()
    for row in rows:
        if row["bucket"] is not None:
            ranked[row["channel"]] += row["conversations"]
    named = [channel for channel, _ in sorted(ranked.items(), key=lambda each: (-each[1], each[0]))]
    slots = {channel: slot for slot, channel in enumerate(named[:SLOT_COUNT], start=1)}
    telling = {row["provider"] for row in rows if row["bucket"] is not None}
    cards = [
        _channel_card(provider, [row for row in rows if row["provider"] == provider], slots, standing)
        for provider in providers
        if provider in telling
    ]
    tested = sum(row["conversations"] for row in answer["channels"] if row["is_test"] and row["bucket"] is not None)
    remarks = [_PALE] if _has_parts(cards) else []
    remarks += [f"Test channels are left out: {format_count(tested, 'conversation')}."] if tested else []
    silent = [provider for provider in providers if provider not in telling]
    if silent and telling:
        remarks.append(f"No channels are told by {join_names(silent)}.")
    lead = (
        "Channels under their common names, on each other in the order of the lists, the first at the bottom. They are "
        "a breakdown of the conversations above, never to be added to them."
    )
    return Section(
        "channels", "Channels", f"Channels per {standing.period.bucket_unit}", lead, cards, " ".join(remarks)
    )


def _provider_card(
    provider: str, told: MeasureTotals, over_time: Mapping[date, int], meaning: str, standing: PeriodCoverage
) -> Card:
    period, moved = standing.period, told.compare(standing.complete_accounts)
    accounts = len(told.accounts)
    if not over_time:
        return Card(provider, Figure(NO_VALUE), note=f"No conversations are told for these days. {meaning}".strip())
    parts = standing.partial_buckets.get(provider, set())
    marks = [
        Mark(
            at, 1, number, f"{_at(at, period)}: {format_count(number, 'conversation')}{_part(at in parts)}", at in parts
        )
        for at, number in sorted(over_time.items())
    ]
    return Card(
        provider,
        Figure(format_number(told.current), str(told.current)),
        unit=f"conversations of {format_count(accounts, 'account')}",
        change=moved,
        no_change_reason=NOT_COMPARABLE if standing.complete_accounts and not moved else "",
        note=meaning,
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, _says(provider, over_time, period)),
        tables=[_over_time(provider, over_time, parts, period), *_accounts(told, standing.complete_accounts)],
    )


def _over_time(provider: str, over_time: Mapping[date, int], parts: Collection[date], period: Period) -> Table:
    rows = [(_at(at, period) + _part(at in parts), format_number(over_time.get(at))) for at in period.bucket_dates]
    return Table(f"{provider}: conversations per {period.bucket_unit}", (period.bucket_unit, "conversations"), rows)


def _accounts(told: MeasureTotals, whole: Collection[str]) -> list[Table]:
    """Who has how many, when there are several."""
    now = sorted((row for row in told.rows if row["is_now"]), key=lambda row: (-row["conversations"], row["account"]))
    if len(now) < 2:
        return []
    rows = []
    for row in now[:_ACCOUNTS]:
        alone = MeasureTotals(tuple(each for each in told.rows if each["account"] == row["account"]), told.measure)
        moved = alone.compare(whole)
        rows.append((row["account"], format_number(row["conversations"]), moved.text if moved else NO_VALUE))
    left = now[_ACCOUNTS:]
    more = f"{format_count(len(left), 'more account')}: {format_number(sum(row['conversations'] for row in left))}"
    return [Table("By account", ("account", "conversations", "change"), rows, omitted_note=more if left else "")]


def _channel_card(provider: str, rows: Sequence[QueryRow], slots: Mapping[str, int], standing: PeriodCoverage) -> Card:
    period, over_time, before = standing.period, defaultdict[str, Counter[date]](Counter), Counter[str]()
    left = {row["channel"] for row in rows if row["bucket"] is not None} - slots.keys()
    for row in rows:
        name = row["channel"] if row["channel"] in slots or left == {row["channel"]} else OTHER_CHANNELS
        if row["bucket"] is None:
            before[name] += row["conversations"]
        else:
            over_time[name][row["bucket"]] += row["conversations"]
    names = sorted(over_time, key=lambda name: slots.get(name, SLOT_COUNT + 1))
    sums = {name: over_time[name].total() for name in names}
    comparable = {account for row in rows for account in row["accounts"]} <= standing.complete_accounts
    parts, total = standing.partial_buckets.get(provider, set()), sum(sums.values())
    marks = [
        Mark(at, slots.get(name, 0), number, f"{_at(at, period)}, {name}: {format_number(number)}", at in parts)
        for name in names
        for at, number in sorted(over_time[name].items())
    ]
    lines = [
        CardLine(
            name,
            format_number(sums[name]),
            slot=slots.get(name, 0),
            extra=format_percent(sums[name] / total) if total else "",
            change=compare_values(sums[name], before[name]) if comparable else None,
        )
        for name in names
    ]
    table_rows = [
        (_at(at, period) + _part(at in parts), *(format_number(over_time[name].get(at)) for name in names))
        for at in period.bucket_dates
    ]
    largest = max(names, key=lambda name: sums[name])
    share = format_percent(sums[largest] / total) if total else NO_VALUE
    says = f"Stacked bars: conversations of {provider} by channel. The largest is {largest} with {share}."
    return Card(
        provider,
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, says),
        line_headers=("channel", "conversations", "share"),
        lines=lines,
        tables=[Table(f"{provider}: conversations by channel", (period.bucket_unit, *names), table_rows)],
    )


def _has_parts(cards: Sequence[Card]) -> bool:
    return any(mark.is_partial for card in cards if card.chart for mark in card.chart.marks)


def _at(at: date, period: Period) -> str:
    return format_bucket(at, period.bucket_unit)


def _part(is_part: bool) -> str:
    return _PART if is_part else ""


def _says(provider: str, over_time: Mapping[date, int], period: Period) -> str:
    least, most = (choose(over_time, key=lambda at: over_time[at]) for choose in (min, max))
    return (
        f"Bars: conversations of {provider} per {period.bucket_unit}. Least {format_number(over_time[least])} "
        f"({_at(least, period)}), most {format_number(over_time[most])} ({_at(most, period)})."
    )
