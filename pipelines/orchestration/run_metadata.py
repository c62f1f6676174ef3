"""A run's requests, bytes and waiting time as Dagster metadata: totals, and a table with a row for each account.

Nothing is measured here; the figures come from ``loads.result``.
"""

from typing import Any

import dagster as dg

from pipelines.loads.result import Outcome, RunResult


def build_run_metadata(result: RunResult) -> dict[str, Any]:
    """Return the metadata of a landing step: requests, retries, bytes, seconds waited, and the table of accounts."""
    stats = result.stats
    records = [_build_record(outcome) for outcome in result.outcomes]
    return {
        "requests": stats.requests,
        "requests repeated": stats.retries,
        "bytes received": stats.bytes,
        "seconds waited for limits": round(stats.waited_seconds, 3),
        **({"accounts' figures": dg.MetadataValue.table(records)} if records else {}),
    }


def _build_record(outcome: Outcome) -> dg.TableRecord:
    stats = outcome.stats
    return dg.TableRecord(
        {
            "account": outcome.account.name,
            "slices": outcome.planned,
            "failed": outcome.failed,
            "requests": stats.requests,
            "repeated": stats.retries,
            "bytes": stats.bytes,
            "waited seconds": round(stats.waited_seconds, 3),
        }
    )
