"""Data quality: loaded slices, restated numbers, unexplained differences, and unknown names in responses (drift).

The rows are those of the queries ``restatements``, ``verdicts``, ``unexplained`` and ``drift``, and the load states
of ``coverage``; SQL and HTML do not belong here.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from extractors.foreign_text import clean_line
from pipelines.loads.status import STATES
from pipelines.report.content import Content
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.format import format_count, format_day, format_instant, format_number, join_names
from pipelines.report.model import Card, CardLine, Figure, Section
from pipelines.report.queries import QueryResult, QueryRow

_MAX_LINES, _MAX_REASONS = 6, 3  # lines of a card; reasons in its note


def build_data_quality_section(content: Content) -> Section:
    """Build the four cards about the days of the period."""
    cards = [
        replace(card, sql=content.sql.write(query))
        for query, card in (
            ("coverage", _build_coverage_card(content.coverage)),
            ("restatements", _build_restatement_card(content.results)),
            ("unexplained", _build_reconciliation_card(content.results)),
            ("drift", _build_drift_card(content.results)),
        )
    ]
    lead = "Loads, restatements, reconciliation and drift of the days in this report."
    return Section("trust", "Data quality", "Data quality", lead, cards)


def _build_coverage_card(coverage: PeriodCoverage) -> Card:
    counts = ", ".join(f"{coverage.counts[state]:,} {state}" for state in STATES if coverage.counts[state])
    failures = [
        CardLine(
            status.account.name,
            format_day(status.last_error_at.date(), with_year=False),
            note=clean_line(status.last_error),
        )
        for status in coverage.statuses
        if status.last_error is not None and status.last_error_at is not None
    ]
    return Card(
        "Loaded",
        Figure(f"{coverage.loaded_slices:,}", str(coverage.loaded_slices)),
        unit=f"of {format_count(coverage.due_slices, 'due slice')} (one day of one account each)",
        note=f"{counts}." if counts else "No day of the period is due.",
        line_headers=("last error", "on"),
        lines=_limit_lines(failures, "chatmart status"),
    )


def _build_restatement_card(results: QueryResult) -> Card:
    rows = sorted(results["restatements"], key=lambda row: (-row["numbers"], row["account"], row["view"]))
    if not rows:
        return Card("Restated", Figure("0", "0"), unit="numbers", note="No number changed after its first load.")
    total, newest = sum(row["numbers"] for row in rows), max(row["newest"] for row in rows)
    lines = [
        CardLine(
            f"{row['view']}.{row['measure']}",
            format_number(row["numbers"]),
            note=f"{row['account']}, on {format_count(row['days'], 'day')}",
        )
        for row in rows
    ]
    return Card(
        "Restated",
        Figure(format_number(total), str(total)),
        unit="numbers that changed after their first load",
        note=f"The latest change was on {format_instant(newest)}.",
        line_headers=("number", "times"),
        lines=_limit_lines(lines, "the view restatement_log"),
    )


def _build_reconciliation_card(results: QueryResult) -> Card:
    verdicts, reasons = Counter[str](), Counter[str]()
    for row in results["verdicts"]:
        verdicts[row["verdict"]] += row["numbers"]
        if row["verdict"] == "explained":
            reasons[row["reason"] or "no reason recorded"] += row["numbers"]
    note = f"Of {format_count(verdicts.total(), 'comparison')}, {format_number(verdicts['ok'])} agree."
    if reasons:
        named = [f"{reason} ({count:,})" for reason, count in reasons.most_common(_MAX_REASONS)]
        more = [f"{len(reasons) - _MAX_REASONS} more"] if len(reasons) > _MAX_REASONS else []
        note += f" {format_number(verdicts['explained'])} differ for a known reason: {'; '.join(named + more)}."
    unexplained = sorted(results["unexplained"], key=lambda row: (-row["difference"], row["account"], row["measure"]))
    return Card(
        "Unexplained",
        Figure(format_number(verdicts["unexplained"]), str(verdicts["unexplained"])),
        unit=f"{'difference' if verdicts['unexplained'] == 1 else 'differences'} without a known reason",
        note=note if verdicts else "Nothing was compared.",
        line_headers=("account", "days"),
        lines=_limit_lines([_build_difference_line(row) for row in unexplained], "the view reconciliation"),
    )


def _build_difference_line(row: QueryRow) -> CardLine:
    digits = 0 if all(row[side].is_integer() for side in ("reported", "loaded")) else 2
    reported, loaded = (format_number(row[side], digits) for side in ("reported", "loaded"))
    note = f"{row['measure']} against {row['against']}: {reported} reported, {loaded} loaded"
    return CardLine(row["account"], format_count(row["days"], "day"), note=note)


def _build_drift_card(results: QueryResult) -> Card:
    """Build a card with one line for each unknown name, for all its accounts and streams together."""
    rows_by_name: dict[tuple[str, str], list[QueryRow]] = defaultdict(list)
    for row in sorted(results["drift"], key=lambda row: (row["kind"], row["name"], row["account"], row["stream"])):
        rows_by_name[row["kind"], row["name"]].append(row)
    lines = [
        CardLine(
            f"{kind} {name}",
            format_count(len({row["account"] for row in rows}), "account"),
            note=f"in {join_names(sorted({row['stream'] for row in rows}), 2)}",
        )
        for (kind, name), rows in rows_by_name.items()
    ]
    return Card(
        "Drift",
        Figure(format_number(len(rows_by_name)), str(len(rows_by_name))),
        unit=f"unknown {'name' if len(rows_by_name) == 1 else 'names'} in the responses",
        note="They are landed unchanged and stop no load." if rows_by_name else "Every name in the responses is known.",
        line_headers=("name", "accounts"),
        lines=_limit_lines(lines, "the view drift"),
    )


def _limit_lines(lines: Sequence[CardLine], source: str) -> list[CardLine]:
    """Return the first lines, and a last one that names the source of the others."""
    left = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], *([CardLine(f"{left:,} more", "", note=f"see {source}")] if left > 0 else [])]
