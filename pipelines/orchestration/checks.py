"""Asset checks: queries on the published warehouse or on a run's outcome, and their verdicts for Dagster.

They report problems and never stop a load. Conditions that must hold before a commit do not belong here: the commit
itself refuses a violation.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import dagster as dg
from sqlalchemy import Table

from extractors.account import Account
from extractors.foreign_text import clean_line
from extractors.instants import is_between
from extractors.windows import Window
from pipelines.configuration.config import Config
from pipelines.loads.failures import MAX_DETAIL_LINES, build_account_metadata, build_accounts_sentence, format_reasons
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob
from pipelines.loads.status import GOOD_STATES
from pipelines.loads.volume import describe_unusual_numbers, read_unusual_numbers
from pipelines.orchestration.partitions import due_day
from warehouse.integrity import count_duplicate_grains, count_keys_without_member, unique_columns
from warehouse.sql import fill, literal
from warehouse.store import Store

EVERY_ACCOUNT_LANDED = "every_account_landed"
EVERY_SLICE_PRESENT = "every_slice_present"
TOTALS_RECONCILE = "totals_reconcile"
GRAIN_IS_UNIQUE = "grain_is_unique"
EVERY_KEY_IS_DESCRIBED = "every_key_is_described"
CHANNELS_ARE_KNOWN = "channels_are_known"
VOLUMES_ARE_USUAL = "volumes_are_usual"
EVERY_ACCOUNT_IS_FRESH = "every_account_is_fresh"

MAX_UNKNOWN_SHARE = 0.05
"""The check warns when a larger share than this of a provider's conversations is in no known channel."""

_SLICES = """
SELECT c.date, c.account, c.state, l.error, l.error_at
FROM coverage AS c LEFT JOIN load_ledger AS l ON l.account = c.account AND l.date = c.date
WHERE c.provider = $provider AND c.date BETWEEN $first AND $last
"""

_DIFFERENCES = """
SELECT date, account, measure, against, reported, loaded, difference FROM reconciliation
WHERE provider = $provider AND date BETWEEN $first AND $last AND verdict = 'unexplained'
ORDER BY date DESC, account, measure
"""

_UNKNOWN = """
SELECT
    provider, CAST(sum(conversations) FILTER (channel IN ('unknown', 'other')) AS BIGINT) AS unknown,
    CAST(sum(conversations) AS BIGINT) AS conversations,
    string_agg(DISTINCT channel_code, ', ' ORDER BY channel_code) FILTER (channel = 'other') AS not_in_the_map
FROM channel_daily
WHERE date > (SELECT max(date) FROM channel_daily) - 30
GROUP BY provider HAVING sum(conversations) > 0 ORDER BY provider
"""

_COVERAGE = """
SELECT account, state, min(date) AS first, max(date) AS last, count(*) AS days
FROM coverage WHERE ($due) GROUP BY account, state ORDER BY account, state
"""


def check_accounts_landed(result: RunResult) -> dg.AssetCheckResult:
    """Pass when this run fetched every account; the metadata has the error of each failed one."""
    failed = result.errors_by_account
    return dg.AssetCheckResult(
        check_name=EVERY_ACCOUNT_LANDED,
        passed=not failed,
        description=build_accounts_sentence(failed, "could not be fetched") or "Every account was fetched.",
        metadata=build_account_metadata(failed),
    )


def find_outstanding_slices(
    store: Store, jobs: Sequence[LoadJob], run_started_at: datetime, now: datetime
) -> dict[str, dict[date, str]]:
    """Return the jobs' slices that need another load: account → local day → reason.

    A slice is outstanding when it is missing, failed or stale; when its last attempt failed; and, if it is settled,
    when an attempt between ``run_started_at`` and ``now`` (instants with a zone) failed.
    """
    if not jobs:
        return {}
    provider = jobs[0].account.provider
    first, last = min(job.days[0] for job in jobs), max(job.days[-1] for job in jobs)
    query = fill(_SLICES, provider=literal(provider), first=_date_literal(first), last=_date_literal(last))
    rows = {(row["account"], row["date"]): row for row in store.read(query).to_pylist()}
    outstanding: dict[str, dict[date, str]] = {}
    for job in jobs:
        name = job.account.name
        reasons = {
            day: _outstanding_reason(job.account, rows.get((name, day)), run_started_at, now) for day in job.days
        }
        if any(reasons.values()):
            outstanding[name] = {day: reason for day, reason in reasons.items() if reason}
    return outstanding


def _outstanding_reason(
    account: Account, row: Mapping[str, Any] | None, run_started_at: datetime, now: datetime
) -> str | None:
    advice = f"materialise {account.provider}/landing and {account.provider}/slices for it"
    if row is None or row["state"] == "missing":
        return f"{account.name} ({account.provider}): was never landed; {advice}"
    if row["error"] and (row["state"] != "settled" or is_between(run_started_at, row["error_at"], now)):
        return str(row["error"])
    if row["state"] in ("failed", "stale"):
        problem = "was loaded under another zone or id, or under a clock that was ahead"
        return f"{account.name} ({account.provider}): {problem}; {advice}"
    return None


def check_slices_present(outstanding: Mapping[str, Mapping[date, str]], jobs: Sequence[LoadJob]) -> dg.AssetCheckResult:
    """Pass when no slice of the jobs is outstanding, by the result of ``find_outstanding_slices``."""
    wanted = sum(len(job.days) for job in jobs)
    missing = sum(len(days) for days in outstanding.values())
    problem = f"{missing} of {wanted} slices are absent or failed."
    return dg.AssetCheckResult(
        check_name=EVERY_SLICE_PRESENT,
        passed=not missing,
        description=problem if missing else f"All {wanted} slices are loaded.",
        metadata={"wanted": wanted, "absent or failed": missing, **build_account_metadata(format_reasons(outstanding))},
    )


def check_totals(store: Store, provider: str, window: Window) -> dg.AssetCheckResult:
    """Pass when a provider's totals agree with its breakdowns and single conversations in the window; else warn."""
    last = max(window.days())
    query = fill(_DIFFERENCES, provider=literal(provider), first=_date_literal(window.start), last=_date_literal(last))
    rows = store.read(query).to_pylist()
    return dg.AssetCheckResult(
        check_name=TOTALS_RECONCILE,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(rows)} differences are unexplained; see the view reconciliation."
        if rows
        else "No difference is unexplained.",
        metadata={"unexplained": len(rows), **_build_table("differences", rows)},
    )


def check_unique_grain(store: Store, table: Table) -> dg.AssetCheckResult:
    """Pass when each grain of a fact, or each key of a dimension, has one row."""
    doubled = count_duplicate_grains(store, table)
    return dg.AssetCheckResult(
        check_name=GRAIN_IS_UNIQUE,
        asset_key=["star", table.name],
        passed=doubled == 0,
        description=f"{doubled} grains have more than one row." if doubled else "One row per grain.",
        metadata={"grain": ", ".join(unique_columns(table)), "doubled": doubled},
    )


def check_described_keys(store: Store, fact: Table) -> dg.AssetCheckResult:
    """Pass when each key of a fact is a row of its dimension."""
    unknown = count_keys_without_member(store, fact)
    columns = ", ".join(f"{count} rows by {column}" for column, count in unknown.items())
    problem = f"Keys that no dimension describes: {columns}."
    return dg.AssetCheckResult(
        check_name=EVERY_KEY_IS_DESCRIBED,
        asset_key=["star", fact.name],
        passed=not unknown,
        description=problem if unknown else "Each key is a row of its dimension.",
        metadata={"rows": sum(unknown.values())},
    )


def check_known_channels(store: Store) -> dg.AssetCheckResult:
    """Pass when at most 5% of each provider's conversations of the last 30 days are in unknown channels; else warn."""
    rows = store.read(_UNKNOWN).to_pylist()
    shares = {row["provider"]: (row["unknown"] or 0) / row["conversations"] for row in rows}
    too_many = {name: f"{share:.1%}" for name, share in shares.items() if share > MAX_UNKNOWN_SHARE}
    shares_text = ", ".join(f"{name} {share}" for name, share in too_many.items())
    problem = f"Conversations without a known channel: {shares_text}."
    return dg.AssetCheckResult(
        check_name=CHANNELS_ARE_KNOWN,
        asset_key=["star", "fact_channel_daily"],
        passed=not too_many,
        severity=dg.AssetCheckSeverity.WARN,
        description=problem if too_many else "Nearly all channels are known.",
        metadata=_build_table(
            "share by provider", [{**row, "share": f"{shares[row['provider']]:.1%}"} for row in rows]
        ),
    )


def check_volumes(store: Store, config: Config, now: datetime) -> dg.AssetCheckResult:
    """Pass when no day of the last two weeks at ``now`` is far from what its weekday usually is; else warn."""
    unusual = read_unusual_numbers(store, config.accounts, now, config.settings.volume_check)
    sentences = describe_unusual_numbers(unusual)
    return dg.AssetCheckResult(
        check_name=VOLUMES_ARE_USUAL,
        asset_key=["star", "fact_conversation_daily"],
        passed=not unusual,
        severity=dg.AssetCheckSeverity.WARN,
        description=clean_line(" ".join(sentences[:5])) if unusual else "No day is far from its weekday's usual.",
        metadata={"days": len(sentences), **_build_table("unusual numbers", [asdict(number) for number in unusual])},
    )


def check_freshness(store: Store, config: Config, now: datetime) -> dg.AssetCheckResult:
    """Pass when each account has the newest day that is due at ``now`` (an instant with a zone)."""
    newest: dict[str, date] = {}
    for row in _read_states_until_due(store, config, now):
        if row["state"] in GOOD_STATES:
            newest[row["account"]] = max(row["last"], newest.get(row["account"], row["last"]))
    late = {}
    for account in config.accounts:
        due, last = due_day(account, config.schedule, now), newest.get(account.name)
        if (account.start_date is None or account.start_date <= due) and (last is None or last < due):
            newest_text = f"the newest loaded day is {last}" if last else "no day is loaded"
            late[account.name] = f"{due} is due; {newest_text}"
    return dg.AssetCheckResult(
        check_name=EVERY_ACCOUNT_IS_FRESH,
        asset_key=["star", "published"],
        passed=not late,
        description=build_accounts_sentence(late, "are behind") or "Every account has the newest day that is due.",
        metadata=build_account_metadata(late),
    )


def check_gaps(store: Store, config: Config, now: datetime) -> dg.AssetCheckResult:
    """Pass when each account has every slice from its first day to the newest that is due at ``now``."""
    gaps: dict[str, str] = {}
    for row in _read_states_until_due(store, config, now):
        if row["state"] not in GOOD_STATES:
            text = f"{row['days']} days {row['state']} between {row['first']} and {row['last']}"
            gaps[row["account"]] = f"{gaps[row['account']]}; {text}" if row["account"] in gaps else text
    return dg.AssetCheckResult(
        check_name=EVERY_SLICE_PRESENT,
        asset_key=["star", "published"],
        passed=not gaps,
        description=build_accounts_sentence(gaps, "have gaps; back-fill them") or "No account has a gap.",
        metadata=build_account_metadata(gaps),
    )


def _read_states_until_due(store: Store, config: Config, now: datetime) -> list[dict[str, Any]]:
    """Return account, state, first day, last day and number of days, for slices up to the newest that is due."""
    names_by_day: dict[date, list[str]] = defaultdict(list)
    for account in config.accounts:
        names_by_day[due_day(account, config.schedule, now)].append(literal(account.name))
    due = " OR ".join(
        f"account IN ({', '.join(names)}) AND date <= {_date_literal(day)}" for day, names in names_by_day.items()
    )
    rows: list[dict[str, Any]] = store.read(fill(_COVERAGE, due=due)).to_pylist()
    return rows


def _build_table(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, dg.TableMetadataValue]:
    plain = (int, float, bool, type(None))
    records = [
        dg.TableRecord(
            {key: value if isinstance(value, plain) else clean_line(str(value)) for key, value in row.items()}
        )
        for row in rows[:MAX_DETAIL_LINES]
    ]
    return {name: dg.MetadataValue.table(records)} if records else {}


def _date_literal(day: date) -> str:
    return f"DATE {literal(day.isoformat())}"
