"""What a run cost, as Dagster shows it: totals, and a table with a row for each account. Nothing is measured here."""

from typing import Any

import dagster as dg

from pipelines.loads.result import Outcome, RunResult


def build_run_metadata(result: RunResult) -> dict[str, Any]:
    """Metadata of a landing: ``requests``, ``requests repeated``, ``bytes received``, seconds waited, and the table."""
    counts = result.stats
    records = [_record(outcome) for outcome in result.outcomes]
    return {
        "requests": counts.requests,
        "requests repeated": counts.retries,
        "bytes received": counts.bytes,
        "seconds waited for limits": round(counts.waited_seconds, 3),
        **({"accounts' figures": dg.MetadataValue.table(records)} if records else {}),
    }


def _record(outcome: Outcome) -> dg.TableRecord:
    counts = outcome.stats
    return dg.TableRecord(
        {
            "account": outcome.account.name,
            "slices": outcome.planned,
            "failed": outcome.failed,
            "requests": counts.requests,
            "repeated": counts.retries,
            "bytes": counts.bytes,
            "waited seconds": round(counts.waited_seconds, 3),
        }
    )
