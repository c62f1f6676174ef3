"""The news of a daily load beside its failures: accounts that load again, new drift, restated totals, unusual numbers.

They are the differences between the books before and after the load, so that each is reported once: a look-back loads
the same days four nights in a row. Which failures are news is decided here too. Nothing is sent here.
"""

import logging
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from extractors.account import Account
from pipelines.loads.alerts import Alert
from pipelines.loads.failures import format_days
from pipelines.loads.volume import UnusualNumber, describe_unusual_numbers, read_unusual_numbers
from pipelines.loads.workspace import Workspace
from warehouse.errors import NothingPublished, WarehouseError
from warehouse.ledger_store import FailureStreak
from warehouse.sql import fill, literal

log = logging.getLogger("chatmart.alerts")

_RESTATED_SINCE = timedelta(days=7)  # of what is compared before and after a load; older ones are in both

_KNOWN_ACCOUNTS = "SELECT DISTINCT account FROM load_ledger WHERE state = 'loaded' AND account IN ($accounts)"
_DRIFT = "SELECT DISTINCT account, stream, kind, name FROM drift WHERE account IN ($accounts) ORDER BY ALL"
_RESTATED = """
SELECT
    account, measure, date, CAST("old" AS DOUBLE) AS "old", CAST(coalesce("new", 0) AS DOUBLE) AS "new", logged_at
FROM restatement_log
WHERE "view" = 'conversation_daily' AND account IN ($accounts) AND logged_at > CAST($since AS TIMESTAMPTZ)
    AND greatest(abs("old"), abs("new")) >= $min_count
    AND abs(coalesce("new", 0) - "old") > abs("old") * $percent / 100
ORDER BY account, measure, date, logged_at
"""

Row = Mapping[str, Any]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class _Books:
    """What the published books say about some accounts: loaded accounts, drift, restated totals, unusual numbers."""

    known_accounts: frozenset[str] = frozenset()
    drift: tuple[Row, ...] = ()
    restated: tuple[Row, ...] = ()
    unusual: tuple[UnusualNumber, ...] = ()


class RunWatch:
    """The state of some accounts before a load, for the news after it. Begin it before the load.

    ``attempt_ids`` are the ids of other attempts at the same run: their failures were not reported. Raises
    WarehouseErrors.
    """

    def __init__(self, workspace: Workspace, accounts: Sequence[Account], attempt_ids: Collection[str] = ()) -> None:
        self._workspace = workspace
        self._accounts = accounts
        self._now = workspace.clock.now()
        names = [account.name for account in accounts]
        self.streaks = workspace.store.failure_streaks(workspace.command, names, {workspace.run_id, *attempt_ids})
        self._before = _read_books(workspace, accounts, self._now)

    def list_news(self, command: str) -> list[Alert]:
        """Return the alerts about what the load has changed, for ``command`` as people know it.

        A warehouse that cannot be read any more is logged.
        """
        try:
            return list(self._list_news(command))
        except WarehouseError as error:
            log.error("alerts about this load are not sent: %s", error)  # noqa: TRY400 -- a sentence for people
            return []

    def _list_news(self, command: str) -> Iterator[Alert]:
        workspace, settings = self._workspace, self._workspace.config.settings.alerts
        providers = {account.name: account.provider for account in self._accounts}

        def build(event: str, problems: Mapping[str, str], predicate: str, advice: str) -> Alert:
            count = f"{len(problems):,} account{'' if len(problems) == 1 else 's'}"
            names = sorted({providers[name] for name in problems})
            summary = f"{count} {predicate}."
            return Alert(command, workspace.run_id, summary, advice, problems, names, event=event)

        recovered = self._find_recovered() if settings.recovery else {}
        if recovered:
            yield build("recovered", recovered, "loaded again after a failure", "Nothing needs to be done.")
        after = _read_books(workspace, self._accounts, self._now)
        drift = self._find_new_drift(after, settings.drift_names)
        if drift:
            yield build("drift", drift, "with names that this release does not know", _DRIFT_ADVICE)
        restated = _describe_restated(_without(after.restated, self._before.restated))
        if restated:
            yield build("restated", restated, "with restated totals", _RESTATED_ADVICE)
        unusual = _without(after.unusual, self._before.unusual)
        if unusual and settings.unusual_numbers:
            sentences: dict[str, str] = {}
            for number in unusual:
                same_account = [other for other in unusual if other.account == number.account]
                lines = [text.partition(": ")[2] for text in describe_unusual_numbers(same_account)]
                sentences.setdefault(number.account, " ".join(lines))
            yield build("unusual", sentences, "with unusual numbers", _UNUSUAL_ADVICE)

    def _find_recovered(self) -> dict[str, str]:
        """Return a sentence for each account that this run has loaded without an error, after runs that failed."""
        if not self.streaks:
            return {}
        rows = self._workspace.store.run_records(self._workspace.run_id)
        good = {row.account for row in rows if row.ended_at and row.loaded and not row.failed and not row.error}
        return {
            name: f"loads again; it had failed since {streak.first:%Y-%m-%d %H:%M}Z"
            for name, streak in sorted(self.streaks.items())
            if name in good
        }

    def _find_new_drift(self, after: _Books, least_names: int | None) -> dict[str, str]:
        """Return the new names by account, where there are enough; an account's first load brings no news."""
        new = [
            row for row in _without(after.drift, self._before.drift) if row["account"] in self._before.known_accounts
        ]
        names: dict[str, list[str]] = {}
        for row in new:
            names.setdefault(row["account"], []).append(f"{row['kind']} {row['name']} in {row['stream']}")
        return {
            name: "; ".join(texts)
            for name, texts in names.items()
            if least_names is not None and len(texts) >= least_names
        }


_DRIFT_ADVICE = "They are landed unchanged and stop no load; `chatmart status` names their days."
_RESTATED_ADVICE = "The provider changed its counts; the view restatement_log has every change."
_UNUSUAL_ADVICE = "No load failed. Compare with the provider's page; `volume_check` has the thresholds."


def is_news(streak: FailureStreak | None, now: datetime, reminder_days: int) -> bool:
    """Return whether a failure at ``now`` (UTC) is to be reported: the first of a streak, then every so many days.

    >>> first, day = datetime(2025, 3, 1, 5), timedelta(days=1)
    >>> [is_news(FailureStreak("a", first, first + (n - 1) * day), first + n * day, reminder_days=7) for n in (1, 7)]
    [False, True]
    """
    if streak is None:
        return True
    period = timedelta(days=reminder_days)
    slack = timedelta(hours=1)  # a schedule starts a little earlier or later each night
    return (now - streak.first + slack) // period > (streak.last - streak.first + slack) // period


def _read_books(workspace: Workspace, accounts: Sequence[Account], now: datetime) -> _Books:
    settings = workspace.config.settings
    names = ", ".join(literal(account.name) for account in accounts) or "''"
    known_query, drift_query = fill(_KNOWN_ACCOUNTS, accounts=names), fill(_DRIFT, accounts=names)
    restated_query = fill(
        _RESTATED,
        accounts=names,
        since=literal((now - _RESTATED_SINCE).isoformat()),
        min_count=str(settings.volume_check.min_count),
        percent=str(settings.alerts.restated_percent or 0),
    )
    with (
        suppress(NothingPublished),
        workspace.store.open_session(";\n".join((known_query, drift_query, restated_query))) as session,
    ):
        known = frozenset(row["account"] for row in session.run(known_query).to_pylist())
        drift = tuple(session.run(drift_query).to_pylist())
        is_wanted = settings.alerts.restated_percent is not None
        restated = tuple(session.run(restated_query).to_pylist()) if is_wanted else ()
        unusual = tuple(read_unusual_numbers(workspace.store, accounts, now, settings.volume_check))
        return _Books(known, drift, restated, unusual)
    return _Books()


T = TypeVar("T")


def _without(after: Sequence[T], before: Sequence[T]) -> list[T]:
    """Return the rows that were not there before, in their order."""
    known = {str(row) for row in before}
    return [row for row in after if str(row) not in known]


def _describe_restated(rows: Sequence[Row]) -> dict[str, str]:
    """Return a text for each account: its measures, the days on which they changed, the sums before and after."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        groups.setdefault(row["account"], {}).setdefault(row["measure"], []).append(row)
    return {
        account: "; ".join(_describe_measure(measure, changes) for measure, changes in measures.items())
        for account, measures in groups.items()
    }


def _describe_measure(measure: str, changes: Sequence[Row]) -> str:
    days: list[date] = sorted({row["date"] for row in changes})
    old, new = (sum(row[side] for row in changes) for side in ("old", "new"))
    return f"{measure} {old:,.0f} became {new:,.0f}, {format_days(days)}"
