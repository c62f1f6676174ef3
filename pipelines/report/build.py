"""Build a report from a warehouse: choose the period and the accounts, and put the sections together.

HTML, files and SQL do not belong here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.configuration.settings import OperatingSettings
from pipelines.loads.attention import write_banner
from pipelines.loads.status import GOOD_STATES, AccountStatus, read_account_statuses
from pipelines.loads.volume import describe_unusual_numbers, read_unusual_numbers
from pipelines.report.chart_sql import ChartSql
from pipelines.report.content import Content
from pipelines.report.coverage import PeriodCoverage, build_coverage_map
from pipelines.report.format import format_count, format_instant, format_window, join_names
from pipelines.report.model import Report, Table
from pipelines.report.period import DEFAULT_DAYS, Period
from pipelines.report.queries import DESCRIBED_MEASURES, QueryResult, run_queries
from pipelines.report.sections import breakdowns, conversations, monthly
from pipelines.report.sections.channels import build_channel_section
from pipelines.report.sections.costs import build_cost_section
from pipelines.report.sections.data_quality import build_data_quality_section
from pipelines.report.sections.punctuality import build_punctuality_section
from pipelines.report.sections.totals import ReportAccounts, build_key_figures
from pipelines.report.sections.weekdays import build_weekday_section
from warehouse.store import Store


class PeriodNotAvailable(ValueError):
    """The requested days cannot be reported: they are in the future, or in the wrong order."""


@dataclass(frozen=True)
class ReportRequest:
    """The accounts and the local days of a report, both days included; None stands for the default."""

    accounts: Sequence[Account]
    first: date | None = None
    last: date | None = None
    is_all_accounts: bool = True
    """True when these are all accounts of the configuration."""

    title: str = ""
    """The title of the page; empty for the standard one."""

    attention: Sequence[str] = ()
    """Sentences shown above everything else; nothing is drawn without any."""

    settings: OperatingSettings | None = None
    """The settings by which accounts need somebody and numbers are unusual; None to look for neither."""


def build_report(store: Store, request: ReportRequest, now: datetime) -> Report:
    """Build the report from the published warehouse; ``now`` is an instant with a zone.

    Raises PeriodNotAvailable when the requested days cannot be reported, and WarehouseError when the warehouse cannot
    be read.
    """
    statuses = read_account_statuses(store, request.accounts, now)
    period = _choose_period(statuses, request, now)
    coverage = PeriodCoverage(period, statuses)
    providers = list(dict.fromkeys(account.provider for account in request.accounts))
    names = [account.name for account in request.accounts]
    results = run_queries(store, period, names, providers)
    providers_with_others = {row["provider"] for row in results["other_accounts"]}
    sql = ChartSql(period, request.accounts, providers_with_others)
    content = Content(results, coverage, providers, sql)
    load_times = [status.last_loaded_at for status in statuses if status.last_loaded_at]
    return Report(
        title=request.title,
        period=format_window(period.window),
        accounts_summary=f"{format_count(len(names), 'account')} at {format_count(len(providers), 'provider')}",
        created_at=format_instant(now.astimezone(UTC)),
        newest_load_at=format_instant(max(load_times)) if load_times else "",
        loaded_slices=coverage.loaded_slices,
        due_slices=coverage.due_slices,
        comparison_note=_write_comparison_note(coverage),
        attention=[*request.attention, *_list_problems(coverage, request, now)],
        warnings=[*_list_warnings(coverage, results, request), *_list_unusual_numbers(store, request, period, now)],
        key_figures=build_key_figures(
            results,
            ReportAccounts(Counter(account.provider for account in request.accounts), coverage.complete_accounts),
            sql.write("totals"),
        ),
        sections=[
            conversations.build_provider_section(content),
            conversations.build_accounts_section(content),
            build_weekday_section(content),
            build_channel_section(content),
            breakdowns.build_intents_section(content),
            breakdowns.build_places_section(content),
            breakdowns.build_ends_section(content),
            build_cost_section(content),
            monthly.build_monthly_section(content),
        ],
        coverage=build_coverage_map(coverage),
        punctuality=build_punctuality_section(content),
        data_quality=build_data_quality_section(content),
        meanings=_build_meanings_table(results),
    )


def _choose_period(statuses: Sequence[AccountStatus], request: ReportRequest, now: datetime) -> Period:
    """Return the requested days; by default four weeks up to the newest loaded day, or else to the newest due day."""
    newest_due = max(today(status.account.zone, now) for status in statuses) - ONE_DAY
    loaded_days = [part.last for status in statuses for part in status.ranges if part.state in GOOD_STATES]
    newest_loaded = max(loaded_days, default=newest_due)
    newest = max(newest_due, newest_loaded)
    if request.last:
        last = min(request.last, newest)
    else:
        last = max(newest_loaded, min(request.first or newest_loaded, newest_due))
    first = request.first or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise PeriodNotAvailable(
            f"there are no days from {first} to {last}; the newest day that can be reported is {newest}"
        )
    return Period(Window(first, last + ONE_DAY))


def _write_comparison_note(coverage: PeriodCoverage) -> str:
    previous, accounts = coverage.period.previous, len(coverage.statuses)
    days = "day" if len(previous) == 1 else f"{len(previous):,} days"
    days_before = f"the {days} before, {format_window(previous)}"
    if len(coverage.complete_accounts) == accounts:
        return f"Changes compare with {days_before}."
    if not coverage.complete_accounts:
        return f"Not comparable with {days_before}: no account has all days of both periods loaded."
    return (
        f"Changes compare with {days_before}. They are shown only where all days of both periods are loaded: for "
        f"{len(coverage.complete_accounts):,} of {format_count(accounts, 'account')}."
    )


def _list_problems(coverage: PeriodCoverage, request: ReportRequest, now: datetime) -> list[str]:
    """Return the sentences of the banner; none for a period of long ago: what fails today is not about its days."""
    if request.settings is None:
        return []
    catch_up_days = request.settings.catch_up_days
    is_recent = coverage.period.last >= now.date() - timedelta(days=catch_up_days)
    return write_banner(coverage.statuses, now, catch_up_days) if is_recent else []


def _list_unusual_numbers(store: Store, request: ReportRequest, period: Period, now: datetime) -> list[str]:
    if request.settings is None:
        return []
    numbers = read_unusual_numbers(store, request.accounts, now, request.settings.volume_check)
    return describe_unusual_numbers([number for number in numbers if number.date in period.window])


def _list_warnings(coverage: PeriodCoverage, results: QueryResult, request: ReportRequest) -> Iterator[str]:
    if not coverage.loaded_slices:
        yield f"Nothing is loaded for these days yet.{_describe_loaded_days(coverage.statuses)}"
    if coverage.unloaded_after_period:
        yield f"Not loaded yet: {format_count(coverage.unloaded_after_period, 'slice')} of the days after this period."
    others = sorted(f"{row['account']} ({row['provider']})" for row in results["others"])
    if request.is_all_accounts and others:
        yield f"Not included, because the configuration no longer names them: {join_names(others)}."


def _describe_loaded_days(statuses: Sequence[AccountStatus]) -> str:
    loaded = [part for status in statuses for part in status.ranges if part.state in GOOD_STATES]
    if not loaded:
        return ""
    return f" Loaded days lie between {min(part.first for part in loaded)} and {max(part.last for part in loaded)}."


def _build_meanings_table(results: QueryResult) -> Table | None:
    rank = {measure: place for place, measure in enumerate(DESCRIBED_MEASURES)}
    sorted_rows = sorted(results["meanings"], key=lambda row: (rank[row["measure"]], row["provider"]))
    rows = [(row["measure"], row["provider"], row["meaning"]) for row in sorted_rows]
    return (
        Table("Each provider's definition of each measure", ("measure", "provider", "meaning"), rows, text_columns=3)
        if rows
        else None
    )
