"""From a warehouse to a report: which period, which accounts, and the parts put together. No HTML, no files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.status import GOOD, AccountStatus, statuses
from pipelines.report import format as words
from pipelines.report.coverage import Standing, coverage
from pipelines.report.model import Report, Table
from pipelines.report.period import DAYS, Period
from pipelines.report.queries import MEASURES, Answer, ask
from pipelines.report.sections import breakdowns, conversations, monthly
from pipelines.report.sections.data_quality import trust
from pipelines.report.sections.totals import Among, key_figures
from warehouse.store import Store


class NoSuchDays(ValueError):
    """The days that were asked for hold nothing that could be told: in the future, or in the wrong order."""


@dataclass(frozen=True)
class Asked:
    """What a person asked for; None is the default."""

    accounts: Sequence[Account]
    first: date | None = None
    last: date | None = None
    everybody: bool = True
    """Whether these are all accounts of the configuration."""


def make(store: Store, asked: Asked, now: datetime) -> Report:
    """The report of what is published at this moment. Raises NoSuchDays, and WarehouseErrors."""
    known = statuses(store, asked.accounts, now)
    period = _period(known, asked, now)
    standing = Standing(period, known)
    providers = list(dict.fromkeys(account.provider for account in asked.accounts))
    names = [account.name for account in asked.accounts]
    answer = ask(store, period, names, providers)
    loaded = [each.last_loaded for each in known if each.last_loaded]
    return Report(
        period=words.span(period.window),
        accounts=f"{words.plural(len(names), 'account')} at {words.plural(len(providers), 'provider')}",
        made=words.moment(now.astimezone(UTC)),
        newest=words.moment(max(loaded)) if loaded else "",
        good=standing.good,
        due=standing.due,
        compared=_compared(standing),
        warnings=list(_warnings(standing, answer, asked)),
        figures=key_figures(answer, Among(len(names), standing.whole)),
        sections=[
            conversations.by_provider(answer, standing, providers),
            conversations.by_channel(answer, standing, providers),
            breakdowns.intents(answer, standing.whole, providers),
            breakdowns.places(answer, standing.whole, providers),
            monthly.monthly(answer, period),
        ],
        coverage=coverage(standing),
        trust=trust(answer, standing),
        meanings=_meanings(answer),
    )


def _period(known: Sequence[AccountStatus], asked: Asked, now: datetime) -> Period:
    """The days asked for; else four weeks that end with the newest day that is loaded, or due when none is."""
    due = max(today(each.account.zone, now) for each in known) - ONE_DAY
    loaded = [part.last for each in known for part in each.ranges if part.state in GOOD]
    newest = max(loaded, default=due)
    last = min(asked.last, max(due, newest)) if asked.last else max(newest, min(asked.first or newest, due))
    first = asked.first or last - timedelta(days=DAYS - 1)
    if first > last:
        raise NoSuchDays(
            f"there are no days from {first} to {last}, and the last that can be told is {max(due, newest)}"
        )
    return Period(Window(first, last + ONE_DAY))


def _compared(standing: Standing) -> str:
    before, accounts = standing.period.before, len(standing.statuses)
    days = "day" if len(before) == 1 else f"{len(before):,} days"
    if len(standing.whole) == accounts:
        return f"Changes are against the {days} before, {words.span(before)}."
    if not standing.whole:
        return f"Not comparable with the {days} before, {words.span(before)}: no account has all days of both loaded."
    return (
        f"Changes are against the {days} before, {words.span(before)}, and stand only where all days of both are "
        f"loaded: of {len(standing.whole):,} of {words.plural(accounts, 'account')}."
    )


def _warnings(standing: Standing, answer: Answer, asked: Asked) -> Iterator[str]:
    if not standing.good:
        yield "Nothing is loaded for these days yet."
    if standing.due_later:
        yield f"Not loaded yet: {words.plural(standing.due_later, 'slice')} of the days after this period."
    others = sorted(f"{row['account']} ({row['provider']})" for row in answer["others"])
    if asked.everybody and others:
        yield f"Left out: {words.listed(others)}, in the warehouse but no longer in the configuration."


def _meanings(answer: Answer) -> Table | None:
    rank = {measure: place for place, measure in enumerate(MEASURES)}
    found = sorted(answer["meanings"], key=lambda row: (rank[row["measure"]], row["provider"]))
    rows = [(row["measure"], row["provider"], row["meaning"]) for row in found]
    return (
        Table("What each provider means by a word", ("measure", "provider", "meaning"), rows, names=3) if rows else None
    )
