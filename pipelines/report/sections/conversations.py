"""Conversations over the period: by provider, and by account within each provider.

The rows are those of the queries ``totals``, ``conversations`` and ``meanings``. SQL and HTML do not belong here, nor
sums over providers, which count in different ways.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals
from pipelines.report.content import Content
from pipelines.report.format import NO_VALUE, format_count, format_number
from pipelines.report.model import Card, Chart, Figure, Gap, Mark, Panel, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import QueryRow
from pipelines.report.sections.buckets import (
    describe_bars,
    find_gaps,
    find_partial_buckets,
    format_reported_part,
    name_bucket,
    sum_reported,
    write_chart_notes,
)

MAX_VISIBLE_PANELS, MAX_PANELS = 10, 60
"""How many accounts of a provider have a chart that is shown without unfolding, and how many have one at all."""

_MAX_ACCOUNTS = 100  # rows of the table by account


def build_provider_section(content: Content) -> Section:
    """Build a card for each provider: its conversations over time, and its definition of a conversation."""
    cards = [_build_provider_card(content, provider) for provider in content.providers]
    lead = (
        "Each provider counts conversations in its own way, described under its chart. Each chart has its own scale."
        if len(cards) > 1
        else "As the provider counts them, described under the chart."
    )
    title = f"Conversations per {content.period.bucket_unit}"
    return Section("conversations", "Conversations", title, lead, cards, write_chart_notes(cards))


def build_accounts_section(content: Content) -> Section:
    """Build small multiples for each provider of which several accounts report conversations, the largest first."""
    totals = {
        provider: MeasureTotals.from_rows(content.list_rows("totals", provider), "conversations")
        for provider in content.providers
    }
    cards = [_build_accounts_card(content, provider, own) for provider, own in totals.items() if len(own.accounts) > 1]
    lead = (
        f"Conversations per {content.period.bucket_unit}, the largest account first. Each chart has its own scale: the "
        "number in it is its highest bar."
    )
    return Section("accounts", "Accounts", "Accounts", lead, cards, write_chart_notes(cards))


def _build_provider_card(content: Content, provider: str) -> Card:
    period, complete = content.period, content.complete_accounts
    meaning = next(
        (row["meaning"] for row in content.list_rows("meanings", provider) if row["measure"] == "conversations"), ""
    )
    totals = MeasureTotals.from_rows(content.list_rows("totals", provider), "conversations")
    counts = sum_reported(content.list_rows("conversations", provider))
    if not counts:
        is_loaded = any(row["is_current"] for row in content.list_rows("totals", provider))
        reason = "No conversations are reported for these days." if is_loaded else "No day is loaded."
        return Card(provider, Figure(NO_VALUE), note=f"{reason} {meaning}".strip())
    partial = find_partial_buckets(content, provider)
    gaps = find_gaps(content.coverage, content.coverage.accounts_of[provider], counts)
    change = totals.compare(complete)
    return Card(
        provider,
        Figure(format_number(totals.current), str(totals.current)),
        unit=f"conversations of {format_count(len(totals.accounts), 'account')}",
        change=change,
        no_change_reason=NOT_COMPARABLE if complete and not change else "",
        note=meaning,
        chart=_build_chart(f"conversations of {provider}", counts, partial, gaps, period),
        tables=[
            _build_bucket_table(provider, counts, partial, period),
            *_build_account_tables(totals, complete),
        ],
        sql=content.sql.write("conversations", provider),
    )


def _build_chart(
    subject: str, counts: Mapping[date, int], partial: Mapping[date, str], gaps: Sequence[Gap], period: Period
) -> Chart:
    marks = [
        Mark(
            bucket,
            1,
            count,
            f"{name_bucket(bucket, period, partial)}: {format_count(count, 'conversation')}",
            bucket in partial,
        )
        for bucket, count in sorted(counts.items())
    ]
    alt_text = describe_bars(subject, counts, gaps, period)
    return Chart("bars", period.bucket_unit, period.bucket_dates, marks, alt_text, gaps=gaps)


def _build_bucket_table(
    provider: str, counts: Mapping[date, int], partial: Mapping[date, str], period: Period
) -> Table:
    rows = [(name_bucket(bucket, period, partial), format_number(counts.get(bucket))) for bucket in period.bucket_dates]
    return Table(f"{provider}: conversations per {period.bucket_unit}", (period.bucket_unit, "conversations"), rows)


def _rank_accounts(totals: MeasureTotals) -> list[QueryRow]:
    return sorted(
        (row for row in totals.rows if row["is_current"]), key=lambda row: (-row["conversations"], row["account"])
    )


def _select_account(totals: MeasureTotals, account: str) -> MeasureTotals:
    return MeasureTotals(tuple(row for row in totals.rows if row["account"] == account), totals.measure)


def _build_account_tables(totals: MeasureTotals, complete_accounts: Collection[str]) -> list[Table]:
    """Return a table of the conversations by account; none for a single account."""
    now = _rank_accounts(totals)
    if len(now) < 2:
        return []
    rows = []
    for row in now[:_MAX_ACCOUNTS]:
        change = _select_account(totals, row["account"]).compare(complete_accounts)
        rows.append((row["account"], format_number(row["conversations"]), change.text if change else NO_VALUE))
    left = now[_MAX_ACCOUNTS:]
    more = f"{format_count(len(left), 'more account')}: {format_number(sum(row['conversations'] for row in left))}"
    return [Table("By account", ("account", "conversations", "change"), rows, omitted_note=more if left else "")]


def _build_accounts_card(content: Content, provider: str, totals: MeasureTotals) -> Card:
    rows: dict[str, list[QueryRow]] = {}
    for row in content.list_rows("conversations", provider):
        rows.setdefault(row["account"], []).append(row)
    names = [row["account"] for row in _rank_accounts(totals)]
    panels = [_build_panel(content, _select_account(totals, name), name, rows[name]) for name in names[:MAX_PANELS]]
    left = len(names) - len(panels)
    more = f"Not drawn: {format_count(left, 'more account')}, smaller than these." if left else ""
    return Card(
        provider,
        note=more,
        panels=panels[:MAX_VISIBLE_PANELS],
        folded_panels=panels[MAX_VISIBLE_PANELS:],
        sql=content.sql.write("accounts", provider),
    )


def _build_panel(content: Content, totals: MeasureTotals, account: str, rows: Sequence[QueryRow]) -> Panel:
    counts = sum_reported(rows)
    partial = content.coverage.find_partial_buckets([account])
    for row in rows:
        if 0 < row["reported_days"] < row["days"]:
            partial.setdefault(row["bucket"], format_reported_part(row["reported_days"], row["days"]))
    chart = _build_chart(
        f"conversations of {account}", counts, partial, find_gaps(content.coverage, [account], counts), content.period
    )
    figure = Figure(format_number(totals.current), str(totals.current))
    return Panel(account, figure, chart, totals.compare(content.complete_accounts))
