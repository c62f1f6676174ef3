"""Asset checks: questions to the published warehouse, or to a run's outcome, and what their answers mean.

They report and never hold up a load: what must be right before a commit is refused by the commit itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
from sqlalchemy import Table

from extractors.account import Account
from extractors.windows import Window
from pipelines.configuration.config import Config
from pipelines.loads.failures import MAX_DETAIL_LINES, build_account_metadata, build_accounts_sentence, format_reasons
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob
from pipelines.loads.status import GOOD_STATES
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
EVERY_ACCOUNT_IS_FRESH = "every_account_is_fresh"

MAX_UNKNOWN_SHARE = 0.05
"""The share of a provider's conversations without a known channel from which the check warns."""

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
    """Whether every account's answers arrived in this run."""
    failed = result.errors_by_account
    return dg.AssetCheckResult(
        check_name=EVERY_ACCOUNT_LANDED,
        passed=not failed,
        description=build_accounts_sentence(failed, "could not be fetched") or "Every account was fetched.",
        metadata=build_account_metadata(failed),
    )


def find_outstanding_slices(
    store: Store, jobs: Sequence[LoadJob], run_started_at: datetime
) -> dict[str, dict[date, str]]:
    """The slices among the jobs' days that are not as they should be, with the reason, by account.

    That is a slice that is missing, failed or stale; one whose last attempt failed; and a settled one that was asked
    for again since ``started`` and failed.
    """
    if not jobs:
        return {}
    provider = jobs[0].account.provider
    first, last = min(job.days[0] for job in jobs), max(job.days[-1] for job in jobs)
    query = fill(_SLICES, provider=literal(provider), first=_day(first), last=_day(last))
    known = {(row["account"], row["date"]): row for row in store.read(query).to_pylist()}
    found: dict[str, dict[date, str]] = {}
    for job in jobs:
        reasons = {day: _reason(job.account, known.get((job.account.name, day)), run_started_at) for day in job.days}
        bad = {day: reason for day, reason in reasons.items() if reason}
        if bad:
            found[job.account.name] = bad
    return found


def _reason(account: Account, row: Mapping[str, Any] | None, started: datetime) -> str | None:
    again = f"materialise {account.provider}/landing and {account.provider}/slices for it"
    if row is None or row["state"] == "missing":
        return f"{account.name} ({account.provider}): was never landed; {again}"
    if row["error"] and (row["state"] != "settled" or row["error_at"] >= started):
        return str(row["error"])
    if row["state"] in ("failed", "stale"):
        return f"{account.name} ({account.provider}): was loaded under another zone or id; {again}"
    return None


def check_slices_present(bad: Mapping[str, Mapping[date, str]], jobs: Sequence[LoadJob]) -> dg.AssetCheckResult:
    """Whether every slice that the run was asked for is in the warehouse, at its last attempt."""
    wanted = sum(len(job.days) for job in jobs)
    missing = sum(len(days) for days in bad.values())
    return dg.AssetCheckResult(
        check_name=EVERY_SLICE_PRESENT,
        passed=not missing,
        description=f"{missing} of {wanted} slices are absent or failed." if missing else f"All {wanted} are there.",
        metadata={"wanted": wanted, "absent or failed": missing, **build_account_metadata(format_reasons(bad))},
    )


def check_totals(store: Store, provider: str, window: Window) -> dg.AssetCheckResult:
    """Whether the provider's totals agree with its breakdowns and single conversations; a warning when not."""
    last = max(window.days())
    query = fill(_DIFFERENCES, provider=literal(provider), first=_day(window.start), last=_day(last))
    rows = store.read(query).to_pylist()
    return dg.AssetCheckResult(
        check_name=TOTALS_RECONCILE,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(rows)} differences are unexplained; see the view reconciliation."
        if rows
        else "No difference is unexplained.",
        metadata={"unexplained": len(rows), **_table("differences", rows)},
    )


def check_unique_grain(store: Store, table: Table) -> dg.AssetCheckResult:
    """Whether no two rows of a fact share one grain, or of a dimension one key."""
    doubled = count_duplicate_grains(store, table)
    return dg.AssetCheckResult(
        check_name=GRAIN_IS_UNIQUE,
        asset_key=["star", table.name],
        passed=doubled == 0,
        description=f"{doubled} grains have more than one row." if doubled else "One row per grain.",
        metadata={"grain": ", ".join(unique_columns(table)), "doubled": doubled},
    )


def check_described_keys(store: Store, fact: Table) -> dg.AssetCheckResult:
    """Whether each key of a fact is a row of its dimension."""
    unknown = count_keys_without_member(store, fact)
    said = ", ".join(f"{count} rows by {column}" for column, count in unknown.items())
    return dg.AssetCheckResult(
        check_name=EVERY_KEY_IS_DESCRIBED,
        asset_key=["star", fact.name],
        passed=not unknown,
        description=f"Keys that no dimension describes: {said}." if unknown else "Each key is a row of its dimension.",
        metadata={"rows": sum(unknown.values())},
    )


def check_known_channels(store: Store) -> dg.AssetCheckResult:
    """Whether the last 30 loaded days' conversations are in channels that the map knows; a warning when not."""
    rows = store.read(_UNKNOWN).to_pylist()
    shares = {row["provider"]: (row["unknown"] or 0) / row["conversations"] for row in rows}
    too_many = {name: f"{share:.1%}" for name, share in shares.items() if share > MAX_UNKNOWN_SHARE}
    said = ", ".join(f"{name} {share}" for name, share in too_many.items())
    return dg.AssetCheckResult(
        check_name=CHANNELS_ARE_KNOWN,
        asset_key=["star", "fact_channel_daily"],
        passed=not too_many,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Conversations without a known channel: {said}." if said else "Nearly all channels are known.",
        metadata=_table("share by provider", [{**row, "share": shares[row["provider"]]} for row in rows]),
    )


def check_freshness(store: Store, config: Config, now: datetime) -> dg.AssetCheckResult:
    """Whether each account's newest slice is there, as of the last daily load that was due."""
    newest: dict[str, date] = {}
    for row in _loaded_until(store, config, now):
        if row["state"] in GOOD_STATES:
            newest[row["account"]] = max(row["last"], newest.get(row["account"], row["last"]))
    late = {}
    for account in config.accounts:
        due, last = due_day(account, config.schedule, now), newest.get(account.name)
        if (account.start_date is None or account.start_date <= due) and (last is None or last < due):
            late[account.name] = f"{due} is due, and {last or 'nothing'} is the newest that is loaded"
    return dg.AssetCheckResult(
        check_name=EVERY_ACCOUNT_IS_FRESH,
        asset_key=["star", "published"],
        passed=not late,
        description=build_accounts_sentence(late, "are behind") or "Every account has the newest day that is due.",
        metadata=build_account_metadata(late),
    )


def check_gaps(store: Store, config: Config, now: datetime) -> dg.AssetCheckResult:
    """Whether each account has every slice from its first day to the newest that is due."""
    gaps: dict[str, str] = {}
    for row in _loaded_until(store, config, now):
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


def _loaded_until(store: Store, config: Config, now: datetime) -> list[dict[str, Any]]:
    """For each account and state of its slices up to the newest that is due: first and last day, how many."""
    due = [
        f"account = {literal(account.name)} AND date <= {_day(due_day(account, config.schedule, now))}"
        for account in config.accounts
    ]
    rows: list[dict[str, Any]] = store.read(fill(_COVERAGE, due=" OR ".join(due))).to_pylist()
    return rows


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, dg.TableMetadataValue]:
    plain = (str, int, float, bool, type(None))
    records = [
        dg.TableRecord({key: value if isinstance(value, plain) else str(value) for key, value in row.items()})
        for row in rows[:MAX_DETAIL_LINES]
    ]
    return {name: dg.MetadataValue.table(records)} if records else {}


def _day(day: date) -> str:
    return f"DATE {literal(day.isoformat())}"
