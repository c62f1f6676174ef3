"""The accounts that are late, and those whose numbers of the period were restated.

The rows are those of the query ``restatements``, and the load states of ``coverage``; SQL and HTML do not belong here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from extractors.windows import ONE_DAY
from pipelines.loads.status import GOOD_STATES, AccountStatus
from pipelines.report.content import Content
from pipelines.report.format import NO_VALUE, format_count, format_day, format_instant, format_number
from pipelines.report.model import Card, Section, Table

_MAX_ROWS = 100


@dataclass(frozen=True)
class _Restatements:
    numbers: int
    newest: datetime
    age_days: int


def build_punctuality_section(content: Content) -> Section:
    """Build a card of the late accounts and one of the restated ones; none of either without such an account."""
    cards = [card for card in (_build_late_card(content), _build_restated_card(content)) if card.shown_tables]
    lead = (
        "An account is late when its newest due day is not loaded. A number is restated when the provider changed it "
        "after its first load."
    )
    remark = "" if cards else "No account is late, and no number of these days was restated."
    return Section("punctuality", "Late accounts", "Late and restated accounts", lead, cards, remark)


def find_newest_loaded_day(status: AccountStatus) -> date | None:
    """Return the account's newest loaded local day; None when it has none."""
    return max((part.last for part in status.ranges if part.state in GOOD_STATES), default=None)


def count_late_days(status: AccountStatus) -> int:
    """Return the number of due days since the newest loaded one; all due days of an account without any."""
    newest_due = max((part.last for part in status.ranges), default=None)
    if newest_due is None:
        return 0
    newest = find_newest_loaded_day(status) or min(part.first for part in status.ranges) - ONE_DAY
    return max((newest_due - newest).days, 0)


def _build_late_card(content: Content) -> Card:
    late = sorted(
        (status for status in content.coverage.statuses if count_late_days(status)),
        key=lambda status: (-count_late_days(status), status.account.name),
    )
    rows = [
        (
            status.account.name,
            status.account.provider,
            format_day(newest) if (newest := find_newest_loaded_day(status)) else "never",
            format_count(count_late_days(status), "day"),
            format_number(status.days_by_state["failed"]),
            format_number(status.days_by_state["missing"]),
        )
        for status in late[:_MAX_ROWS]
    ]
    headers = ("account", "provider", "newest loaded day", "late by", "failed days", "missing days")
    return _build_table_card("Late", headers, rows, len(late), text_columns=3)


def _build_restated_card(content: Content) -> Card:
    restated: dict[str, _Restatements] = {}
    for row in content.results["restatements"]:
        known = restated.get(row["account"], _Restatements(0, row["newest"], 0))
        restated[row["account"]] = _Restatements(
            known.numbers + row["numbers"], max(known.newest, row["newest"]), max(known.age_days, row["age_days"] or 0)
        )
    providers = {status.account.name: status.account.provider for status in content.coverage.statuses}
    rows = [
        (
            account,
            providers.get(account, NO_VALUE),
            format_instant(own.newest),
            format_number(own.numbers),
            format_count(own.age_days, "day"),
        )
        for account, own in sorted(restated.items(), key=lambda item: (-item[1].numbers, item[0]))[:_MAX_ROWS]
    ]
    headers = ("account", "provider", "latest change", "numbers", "at most after")
    return _build_table_card("Restated", headers, rows, len(restated), text_columns=3)


def _build_table_card(
    title: str, headers: tuple[str, ...], rows: Sequence[tuple[str, ...]], count: int, text_columns: int
) -> Card:
    left = count - len(rows)
    note = f"Not shown: {format_count(left, 'more account')}. chatmart status lists all accounts." if left else ""
    table = Table("", headers, rows, text_columns, note)
    return Card(title, unit=format_count(count, "account"), shown_tables=[table] if rows else ())
