"""From a warehouse to a report: which period, which accounts, and the parts put together. No HTML, no files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.status import GOOD_STATES, AccountStatus, read_account_statuses
from pipelines.report.coverage import PeriodCoverage, build_coverage_map
from pipelines.report.format import format_count, format_instant, format_window, join_names
from pipelines.report.model import Report, Table
from pipelines.report.period import DEFAULT_DAYS, Period
from pipelines.report.queries import DESCRIBED_MEASURES, QueryResult, run_queries
from pipelines.report.sections import breakdowns, conversations, monthly
from pipelines.report.sections.data_quality import build_data_quality_section
from pipelines.report.sections.totals import ReportAccounts, build_key_figures
from warehouse.store import Store


class PeriodNotAvailable(ValueError):
    """The days that were asked for hold nothing that could be told: in the future, or in the wrong order."""


@dataclass(frozen=True)
class ReportRequest:
    """What a person asked for; None is the default."""

    accounts: Sequence[Account]
    first: date | None = None
    last: date | None = None
    is_all_accounts: bool = True
    """Whether these are all accounts of the configuration."""


def build_report(store: Store, request: ReportRequest, now: datetime) -> Report:
    """The report of what is published at this moment. Raises NoSuchDays, and WarehouseErrors."""
    known = read_account_statuses(store, request.accounts, now)
    period = _period(known, request, now)
    standing = PeriodCoverage(period, known)
    providers = list(dict.fromkeys(account.provider for account in request.accounts))
    names = [account.name for account in request.accounts]
    answer = run_queries(store, period, names, providers)
    loaded = [each.last_loaded_at for each in known if each.last_loaded_at]
    return Report(
        period=format_window(period.window),
        accounts_summary=f"{format_count(len(names), 'account')} at {format_count(len(providers), 'provider')}",
        created_at=format_instant(now.astimezone(UTC)),
        newest_load_at=format_instant(max(loaded)) if loaded else "",
        loaded_slices=standing.loaded_slices,
        due_slices=standing.due_slices,
        comparison_note=_compared(standing),
        warnings=list(_warnings(standing, answer, request)),
        key_figures=build_key_figures(answer, ReportAccounts(len(names), standing.complete_accounts)),
        sections=[
            conversations.build_provider_section(answer, standing, providers),
            conversations.build_channel_section(answer, standing, providers),
            breakdowns.build_intents_section(answer, standing.complete_accounts, providers),
            breakdowns.build_places_section(answer, standing.complete_accounts, providers),
            monthly.build_monthly_section(answer, period),
        ],
        coverage=build_coverage_map(standing),
        data_quality=build_data_quality_section(answer, standing),
        meanings=_meanings(answer),
    )


def _period(known: Sequence[AccountStatus], asked: ReportRequest, now: datetime) -> Period:
    """The days asked for; else four weeks that end with the newest day that is loaded, or due when none is."""
    due = max(today(each.account.zone, now) for each in known) - ONE_DAY
    loaded = [part.last for each in known for part in each.ranges if part.state in GOOD_STATES]
    newest = max(loaded, default=due)
    last = min(asked.last, max(due, newest)) if asked.last else max(newest, min(asked.first or newest, due))
    first = asked.first or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise PeriodNotAvailable(
            f"there are no days from {first} to {last}, and the last that can be told is {max(due, newest)}"
        )
    return Period(Window(first, last + ONE_DAY))


def _compared(standing: PeriodCoverage) -> str:
    before, accounts = standing.period.previous, len(standing.statuses)
    days = "day" if len(before) == 1 else f"{len(before):,} days"
    if len(standing.complete_accounts) == accounts:
        return f"Changes are against the {days} before, {format_window(before)}."
    if not standing.complete_accounts:
        return (
            f"Not comparable with the {days} before, {format_window(before)}: no account has all days of both loaded."
        )
    return (
        f"Changes are against the {days} before, {format_window(before)}, and stand only where all days of both are "
        f"loaded: of {len(standing.complete_accounts):,} of {format_count(accounts, 'account')}."
    )


def _warnings(standing: PeriodCoverage, answer: QueryResult, asked: ReportRequest) -> Iterator[str]:
    if not standing.loaded_slices:
        yield "Nothing is loaded for these days yet."
    if standing.unloaded_after_period:
        yield f"Not loaded yet: {format_count(standing.unloaded_after_period, 'slice')} of the days after this period."
    others = sorted(f"{row['account']} ({row['provider']})" for row in answer["others"])
    if asked.is_all_accounts and others:
        yield f"Left out: {join_names(others)}, in the warehouse but no longer in the configuration."


def _meanings(answer: QueryResult) -> Table | None:
    rank = {measure: place for place, measure in enumerate(DESCRIBED_MEASURES)}
    found = sorted(answer["meanings"], key=lambda row: (rank[row["measure"]], row["provider"]))
    rows = [(row["measure"], row["provider"], row["meaning"]) for row in found]
    return (
        Table("What each provider means by a word", ("measure", "provider", "meaning"), rows, text_columns=3)
        if rows
        else None
    )
