"""Conversations over the period: by provider, and by channel within each provider. Providers are never added up.

From the answers to ``totals``, ``conversations``, ``channels`` and ``meanings``.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.report import format as words
from pipelines.report.changes import NOT_COMPARABLE, Row, Totals, change
from pipelines.report.coverage import Standing
from pipelines.report.model import SLOTS, Card, Chart, Figure, Line, Mark, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import Answer

FURTHER = "further channels"
_ACCOUNTS = 100  # that a table has
_PART = " (part)"
_PALE = "Pale bars stand for a part of their days: the period cuts them, or more than a tenth is not loaded."


def by_provider(answer: Answer, standing: Standing, providers: Sequence[str]) -> Section:
    """A card for each provider: its conversations over time, and what it means by the word."""
    meanings = {row["provider"]: row["meaning"] for row in answer["meanings"] if row["measure"] == "conversations"}
    over_time: dict[str, dict[date, int]] = defaultdict(dict)
    for row in answer["conversations"]:
        if row["conversations"] is not None:
            over_time[row["provider"]][row["bucket"]] = row["conversations"]
    cards = []
    for provider in providers:
        told = Totals.of((row for row in answer["totals"] if row["provider"] == provider), "conversations")
        cards.append(_provider_card(provider, told, over_time[provider], meanings.get(provider, ""), standing))
    lead = "Each provider counts in its own words, told under its chart, so these charts have scales of their own."
    title = f"Conversations per {standing.period.unit}"
    return Section("conversations", "Conversations", title, lead, cards, _PALE if _has_parts(cards) else "")


def by_channel(answer: Answer, standing: Standing, providers: Sequence[str]) -> Section:
    """A card for each provider that tells channels; test channels are left out, and said."""
    rows = [row for row in answer["channels"] if not row["is_test"]]
    ranked = Counter[str]()
    for row in rows:
        if row["bucket"] is not None:
            ranked[row["channel"]] += row["conversations"]
    named = [channel for channel, _ in sorted(ranked.items(), key=lambda each: (-each[1], each[0]))]
    slots = {channel: slot for slot, channel in enumerate(named[:SLOTS], start=1)}
    telling = {row["provider"] for row in rows if row["bucket"] is not None}
    cards = [
        _channel_card(provider, [row for row in rows if row["provider"] == provider], slots, standing)
        for provider in providers
        if provider in telling
    ]
    tested = sum(row["conversations"] for row in answer["channels"] if row["is_test"] and row["bucket"] is not None)
    remarks = [_PALE] if _has_parts(cards) else []
    remarks += [f"Test channels are left out: {words.plural(tested, 'conversation')}."] if tested else []
    silent = [provider for provider in providers if provider not in telling]
    if silent and telling:
        remarks.append(f"No channels are told by {words.listed(silent)}.")
    lead = (
        "Channels under their common names, on each other in the order of the lists, the first at the bottom. They are "
        "a breakdown of the conversations above, never to be added to them."
    )
    return Section("channels", "Channels", f"Channels per {standing.period.unit}", lead, cards, " ".join(remarks))


def _provider_card(
    provider: str, told: Totals, over_time: Mapping[date, int], meaning: str, standing: Standing
) -> Card:
    period, moved = standing.period, told.change(standing.whole)
    accounts = len(told.accounts)
    if not over_time:
        return Card(
            provider, Figure(words.NOTHING), note=f"No conversations are told for these days. {meaning}".strip()
        )
    parts = standing.parts.get(provider, set())
    marks = [
        Mark(
            at, 1, number, f"{_at(at, period)}: {words.plural(number, 'conversation')}{_part(at in parts)}", at in parts
        )
        for at, number in sorted(over_time.items())
    ]
    return Card(
        provider,
        Figure(words.number(told.now), str(told.now)),
        unit=f"conversations of {words.plural(accounts, 'account')}",
        change=moved,
        why=NOT_COMPARABLE if standing.whole and not moved else "",
        note=meaning,
        chart=Chart("bars", period.unit, period.bucket_names, marks, _says(provider, over_time, period)),
        tables=[_over_time(provider, over_time, parts, period), *_accounts(told, standing.whole)],
    )


def _over_time(provider: str, over_time: Mapping[date, int], parts: Collection[date], period: Period) -> Table:
    rows = [(_at(at, period) + _part(at in parts), words.number(over_time.get(at))) for at in period.bucket_names]
    return Table(f"{provider}: conversations per {period.unit}", (period.unit, "conversations"), rows)


def _accounts(told: Totals, whole: Collection[str]) -> list[Table]:
    """Who has how many, when there are several."""
    now = sorted((row for row in told.rows if row["is_now"]), key=lambda row: (-row["conversations"], row["account"]))
    if len(now) < 2:
        return []
    rows = []
    for row in now[:_ACCOUNTS]:
        alone = Totals(tuple(each for each in told.rows if each["account"] == row["account"]), told.measure)
        moved = alone.change(whole)
        rows.append((row["account"], words.number(row["conversations"]), moved.words if moved else words.NOTHING))
    left = now[_ACCOUNTS:]
    more = f"{words.plural(len(left), 'more account')}: {words.number(sum(row['conversations'] for row in left))}"
    return [Table("By account", ("account", "conversations", "change"), rows, more=more if left else "")]


def _channel_card(provider: str, rows: Sequence[Row], slots: Mapping[str, int], standing: Standing) -> Card:
    period, over_time, before = standing.period, defaultdict[str, Counter[date]](Counter), Counter[str]()
    left = {row["channel"] for row in rows if row["bucket"] is not None} - slots.keys()
    for row in rows:
        name = row["channel"] if row["channel"] in slots or left == {row["channel"]} else FURTHER
        if row["bucket"] is None:
            before[name] += row["conversations"]
        else:
            over_time[name][row["bucket"]] += row["conversations"]
    names = sorted(over_time, key=lambda name: slots.get(name, SLOTS + 1))
    sums = {name: over_time[name].total() for name in names}
    comparable = {account for row in rows for account in row["accounts"]} <= standing.whole
    parts, total = standing.parts.get(provider, set()), sum(sums.values())
    marks = [
        Mark(at, slots.get(name, 0), number, f"{_at(at, period)}, {name}: {words.number(number)}", at in parts)
        for name in names
        for at, number in sorted(over_time[name].items())
    ]
    lines = [
        Line(
            name,
            words.number(sums[name]),
            slot=slots.get(name, 0),
            extra=words.percent(sums[name] / total) if total else "",
            change=change(sums[name], before[name]) if comparable else None,
        )
        for name in names
    ]
    table_rows = [
        (_at(at, period) + _part(at in parts), *(words.number(over_time[name].get(at)) for name in names))
        for at in period.bucket_names
    ]
    largest = max(names, key=lambda name: sums[name])
    share = words.percent(sums[largest] / total) if total else words.NOTHING
    says = f"Stacked bars: conversations of {provider} by channel. The largest is {largest} with {share}."
    return Card(
        provider,
        chart=Chart("bars", period.unit, period.bucket_names, marks, says),
        heads=("channel", "conversations", "share"),
        lines=lines,
        tables=[Table(f"{provider}: conversations by channel", (period.unit, *names), table_rows)],
    )


def _has_parts(cards: Sequence[Card]) -> bool:
    return any(mark.part for card in cards if card.chart for mark in card.chart.marks)


def _at(at: date, period: Period) -> str:
    return words.bucket(at, period.unit)


def _part(is_part: bool) -> str:
    return _PART if is_part else ""


def _says(provider: str, over_time: Mapping[date, int], period: Period) -> str:
    least, most = (choose(over_time, key=lambda at: over_time[at]) for choose in (min, max))
    return (
        f"Bars: conversations of {provider} per {period.unit}. Least {words.number(over_time[least])} "
        f"({_at(least, period)}), most {words.number(over_time[most])} ({_at(most, period)})."
    )
