"""Print the plan of a load: days, batches to fetch, the least time. No request is sent and nothing is written."""

from collections.abc import Sequence
from datetime import timedelta

from extractors.registry import get_provider
from pipelines.cli.display.output import print_message, print_table
from pipelines.loads.claims import build_reuse_rule
from pipelines.loads.plan import LoadJob, plan_fetches
from pipelines.loads.result import read_ledgers
from pipelines.loads.workspace import Workspace
from warehouse.records import LedgerRow


def print_plan(workspace: Workspace, jobs: Sequence[LoadJob], refetch: bool) -> int:
    """Print days, their first and last, batches and the least time that rate limits allow. Sends no request."""
    ledgers = read_ledgers(workspace, jobs)
    rows = [_plan_row(workspace, job, ledgers[job.account.name], refetch) for job in jobs]
    print_table(rows, left_columns=2, label="planned")
    print_message(
        "A batch is one request or a few (pages, channels, an export job). No request was sent, nothing was written."
    )
    return 0


def _plan_row(workspace: Workspace, job: LoadJob, ledger: Sequence[LedgerRow], refetch: bool) -> dict[str, str]:
    account, provider, now = job.account, get_provider(job.account.provider), workspace.clock.now()
    is_reusable = build_reuse_rule(account, ledger, lambda _batch: False, now=now, run_started_at=now, refetch=refetch)
    batches = len(plan_fetches(account, provider, workspace.landing, job.days, is_reusable))
    requests = account.rate_limit.requests or provider.limits.requests
    period_seconds = account.rate_limit.period_seconds or provider.limits.period_seconds
    least_seconds = (batches - 1) // requests * period_seconds if requests and batches else 0
    return {
        "account": account.name,
        "provider": account.provider,
        "days": str(len(job.days)),
        "first": str(job.days[0]) if job.days else "",
        "last": str(job.days[-1]) if job.days else "",
        "batches to fetch": str(batches),
        "at least": f"{timedelta(seconds=round(least_seconds))}" if least_seconds else "seconds",
    }
