"""The lines that the restatement log must gain when the truth changes, computed from the truth alone.

Numbers have the log's keys: view, day, member and measure. Single events count as sums of their day. Expectations are
the callers'.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.support.installation import Installation

Number = Decimal | None
LogKey = tuple[str, str, date, str | None, str]
"""Account, view, day, member, measure."""
LogLine = tuple[LogKey, Number, Number]


@dataclass(frozen=True)
class LoggedView:
    """The log's form of a view: its name there, the columns of its member, its measures, the measure of its events."""

    view: str
    members: tuple[str, ...]
    measures: tuple[str, ...]
    count_measure: str | None = None
    metric: str | None = None


_TOTALS = (
    "conversations", "messages", "user_messages", "interactions", "understood_messages", "misunderstood_messages",
    "unique_users", "call_duration_seconds", "cost_amount", "tokens",
)  # fmt: skip
_SUMMED = ("messages", "user_messages", "interactions", "duration_seconds")
LOGGED_VIEWS: Mapping[str, LoggedView] = {
    "conversation_daily": LoggedView("conversation_daily", (), _TOTALS),
    "channel_daily": LoggedView(
        "channel_daily", ("channel_code",), ("conversations", "messages", "interactions", "call_duration_seconds")
    ),
    "intent_daily": LoggedView("intent_daily", ("intent",), ("hits",)),
    "language_daily": LoggedView("language_daily", ("language_code",), ("conversations",)),
    "country_daily": LoggedView("country_daily", ("country_code",), ("conversations",)),
    "team_daily": LoggedView(
        "team_daily", ("bot_id", "bot_version", "channel_code", "language_code"), ("conversations",)
    ),
    "metric_daily": LoggedView("metric_daily", ("metric", "member", "channel_id"), ("value",)),
    "end_reason_daily": LoggedView("metric_daily", ("end_reason",), ("conversations",), metric="end_reason"),
    "topic_daily": LoggedView("metric_daily", ("topic",), ("conversations",), metric="topic"),
    "token_daily": LoggedView("metric_daily", ("model",), ("tokens",), metric="tokens"),
    "type_daily": LoggedView("metric_daily", ("type",), ("conversations",), metric="type"),
    "inbox_daily": LoggedView("metric_daily", ("measure",), ("value",), metric="inbox"),
    "conversation": LoggedView("conversation", (), _SUMMED, "conversations"),
    "conversation_intent": LoggedView("conversation_intent", (), ("hits",), "intents"),
    "flow_transition": LoggedView("flow_transition", (), (), "transitions"),
}


def collect_truth_numbers(installation: Installation, days: Sequence[date]) -> dict[LogKey, Decimal]:
    """Collect every number of the truth that a re-load may change; NULLs are left out."""
    numbers: dict[LogKey, Decimal] = {}
    for account in installation.accounts:
        for view, logged in LOGGED_VIEWS.items():
            rows = installation.compute_truth_rows(account, view, days)
            entries = _sum_events(rows, logged) if logged.count_measure else _read_values(rows, logged)
            for (day, member, measure), value in entries:
                numbers[account.name, logged.view, day, member, measure] = value
    return numbers


def compute_expected_lines(before: Mapping[LogKey, Decimal], after: Mapping[LogKey, Decimal]) -> Counter[LogLine]:
    """Return a line for each number that has changed, has vanished or is new."""
    lines: Counter[LogLine] = Counter()
    for key in {*before, *after}:
        if before.get(key) != after.get(key):
            lines[key, before.get(key), after.get(key)] += 1
    return lines


MeasureValues = Iterator[tuple[tuple[date, str | None, str], Decimal]]


def _read_values(rows: Iterable[Mapping[str, Any]], logged: LoggedView) -> MeasureValues:
    for row in rows:
        members = [logged.metric, *(row[column] for column in logged.members)]
        named = [str(member) for member in members if member is not None]
        for measure in logged.measures:
            if row[measure] is not None:
                measure_name = "value" if logged.metric else measure
                yield (row["date"], " / ".join(named) if named else None, measure_name), Decimal(row[measure])


def _sum_events(rows: Iterable[Mapping[str, Any]], logged: LoggedView) -> MeasureValues:
    sums: Counter[tuple[date, str | None, str]] = Counter()
    for row in rows:
        sums[row["date"], None, str(logged.count_measure)] += 1
        for measure in logged.measures:
            if row[measure] is not None:
                sums[row["date"], None, measure] += row[measure]
    for key, value in sums.items():
        yield key, Decimal(value)
