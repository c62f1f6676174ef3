"""Whether the figures can be trusted: what is loaded, what changed later, what does not add up, what nobody knows yet.

From the accounts' standing and the answers to ``restatements``, ``verdicts``, ``unexplained`` and ``drift``.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from extractors.redaction import redact
from pipelines.loads.status import STATES
from pipelines.report.changes import QueryRow
from pipelines.report.coverage import PeriodCoverage
from pipelines.report.format import format_count, format_day, format_instant, format_number, join_names
from pipelines.report.model import Card, CardLine, Figure, Section
from pipelines.report.queries import QueryResult

_MOST, _REASONS = 6, 3  # lines of a card; reasons in its words


def build_data_quality_section(answer: QueryResult, standing: PeriodCoverage) -> Section:
    """Four cards, all of the period's days."""
    cards = [_complete(standing), _restated(answer), _reconciled(answer), _drifted(answer)]
    return Section("trust", "Trust", "Can I trust this?", "What the books say about the days of this report.", cards)


def _complete(standing: PeriodCoverage) -> Card:
    counts = ", ".join(f"{standing.counts[state]:,} {state}" for state in STATES if standing.counts[state])
    failures = [
        CardLine(
            each.account.name, format_day(each.last_error_at.date(), with_year=False), note=redact(each.last_error)
        )
        for each in standing.statuses
        if each.last_error is not None and each.last_error_at is not None
    ]
    return Card(
        "Loaded",
        Figure(f"{standing.loaded_slices:,}", str(standing.loaded_slices)),
        unit=f"of {format_count(standing.due_slices, 'slice')} (an account's day) that are due",
        note=f"{counts}." if counts else "No day of the period is due.",
        line_headers=("last error", "on"),
        lines=_first(failures, "chatmart status"),
    )


def _restated(answer: QueryResult) -> Card:
    found = sorted(answer["restatements"], key=lambda row: (-row["numbers"], row["account"], row["view"]))
    if not found:
        return Card("Restated", Figure("0", "0"), unit="numbers", note="None changed after it was first loaded.")
    total, newest = sum(row["numbers"] for row in found), max(row["newest"] for row in found)
    lines = [
        CardLine(
            f"{row['view']}.{row['measure']}",
            format_number(row["numbers"]),
            note=f"{row['account']}, on {format_count(row['days'], 'day')}",
        )
        for row in found
    ]
    return Card(
        "Restated",
        Figure(format_number(total), str(total)),
        unit="numbers that changed after they were first loaded",
        note=f"The newest on {format_instant(newest)}.",
        line_headers=("number", "times"),
        lines=_first(lines, "the view restatement_log"),
    )


def _reconciled(answer: QueryResult) -> Card:
    verdicts, reasons = Counter[str](), Counter[str]()
    for row in answer["verdicts"]:
        verdicts[row["verdict"]] += row["numbers"]
        if row["verdict"] == "explained":
            reasons[row["reason"] or "no reason noted"] += row["numbers"]
    note = f"Of {format_count(verdicts.total(), 'comparison')}, {format_number(verdicts['ok'])} add up."
    if reasons:
        said = [f"{reason} ({count:,})" for reason, count in reasons.most_common(_REASONS)]
        more = [f"{len(reasons) - _REASONS} more"] if len(reasons) > _REASONS else []
        note += f" {format_number(verdicts['explained'])} differ for a known reason: {'; '.join(said + more)}."
    found = sorted(answer["unexplained"], key=lambda row: (-row["apart"], row["account"], row["measure"]))
    return Card(
        "Does not add up",
        Figure(format_number(verdicts["unexplained"]), str(verdicts["unexplained"])),
        unit=f"{'difference' if verdicts['unexplained'] == 1 else 'differences'} without an explanation",
        note=note if verdicts else "Nothing was compared.",
        line_headers=("account", "days"),
        lines=_first([_difference(row) for row in found], "the view reconciliation"),
    )


def _difference(row: QueryRow) -> CardLine:
    digits = 0 if all(row[side].is_integer() for side in ("reported", "loaded")) else 2
    reported, loaded = (format_number(row[side], digits) for side in ("reported", "loaded"))
    note = f"{row['measure']} against {row['against']}: {reported} reported, {loaded} loaded"
    return CardLine(row["account"], format_count(row["days"], "day"), note=note)


def _drifted(answer: QueryResult) -> Card:
    """One line for one name, whatever the accounts and streams that hold it."""
    found: dict[tuple[str, str], list[QueryRow]] = defaultdict(list)
    for row in sorted(answer["drift"], key=lambda row: (row["kind"], row["name"], row["account"], row["stream"])):
        found[row["kind"], row["name"]].append(row)
    lines = [
        CardLine(
            f"{kind} {name}",
            format_count(len({row["account"] for row in rows}), "account"),
            note=f"in {join_names(sorted({row['stream'] for row in rows}), 2)}",
        )
        for (kind, name), rows in found.items()
    ]
    return Card(
        "Drift",
        Figure(format_number(len(found)), str(len(found))),
        unit="name in the answers that is not known" if len(found) == 1 else "names in the answers that are not known",
        note="Landed as they came; they stop no load." if found else "All that the answers hold is known.",
        line_headers=("name", "accounts"),
        lines=_first(lines, "the view drift"),
    )


def _first(lines: Sequence[CardLine], rest: str) -> list[CardLine]:
    """The first lines, and where the others are."""
    left = len(lines) - _MOST
    return [*lines[:_MOST], *([CardLine(f"{left:,} more", "", note=f"see {rest}")] if left > 0 else [])]
