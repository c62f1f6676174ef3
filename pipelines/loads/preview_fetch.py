"""Previews with requests: days are fetched into a temporary landing zone, and compared with what is published.

Nothing is kept: neither the responses nor a row of the books.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from extractors.errors import AccountBusy, ErrorLocation
from extractors.fetch import fetch_batches, gather_or_cancel
from extractors.http.client import Client
from extractors.landing.lock import hold_fetch_lock, hold_lock_if_free
from extractors.registry import get_provider
from extractors.windows import group_into_windows
from pipelines.loads.claims import loadable_days
from pipelines.loads.concurrent_run import incomplete_response_error
from pipelines.loads.observer import Observer
from pipelines.loads.open_files import allow_open_files
from pipelines.loads.plan import LoadJob, plan_fetches
from pipelines.loads.preview import Preview, open_comparison
from pipelines.loads.result import as_account_error
from pipelines.loads.workspace import Workspace


def preview_load(workspace: Workspace, jobs: Sequence[LoadJob], observer: Observer) -> Preview:
    """Fetch the local days of all jobs, and compare them with what is published. Nothing is kept or written.

    The accounts' fetch locks are held meanwhile; an account that another run fetches fails. Raises WarehouseErrors of
    the warehouse as a whole.
    """
    allow_open_files(len(jobs))
    preview = Preview()
    with tempfile.TemporaryDirectory(prefix="chatmart-") as folder:
        config = replace(workspace.config, landing=Path(folder) / "landing")
        scratch = replace(workspace, config=config, shared_locks=None, lock_owner=None)
        errors = asyncio.run(_fetch_accounts(workspace, scratch, jobs, observer))
        with open_comparison(scratch, preview, observer) as comparison:
            for job, job_errors in zip(jobs, errors, strict=True):
                missing = set(job.days)
                for window in group_into_windows(job.days):
                    for month in window.split_into_months():
                        days = tuple(month.days())
                        complete, claims = loadable_days(job.account, scratch.landing, days, lambda _batch, _day: True)
                        missing.difference_update(complete)
                        comparison.add(job.account, claims)
                if missing:
                    error = next(iter(job_errors), incomplete_response_error(job.account))
                    preview.add_failure(job.account, missing, error)
    return preview


async def _fetch_accounts(
    workspace: Workspace, scratch: Workspace, jobs: Sequence[LoadJob], observer: Observer
) -> list[Sequence[Exception]]:
    """Land the responses of all jobs in the scratch landing zone. Return the errors of each job."""
    async with Client(workspace.http_settings, workspace.clock, workspace.config.network) as client:
        fetches = [_fetch_account(client, workspace, scratch, job, observer) for job in jobs]
        return await gather_or_cancel([asyncio.ensure_future(fetch) for fetch in fetches])


async def _fetch_account(
    client: Client, workspace: Workspace, scratch: Workspace, job: LoadJob, observer: Observer
) -> Sequence[Exception]:
    account, provider, landing = job.account, get_provider(job.account.provider), scratch.landing
    fetches = plan_fetches(account, provider, landing, job.days, lambda _batch, _day: True)
    observer.on_planned(account, len(job.days), len(fetches))
    try:
        session = client.open_session(account, provider.limits)
        with hold_lock_if_free(workspace.landing, account.provider, account.name) as holder:
            if holder is not None:
                where = ErrorLocation(account.provider, account.name)
                advice = "run the same command again when it has ended"
                return [AccountBusy(where, f"{holder} is fetching this account", advice)]
            async with hold_fetch_lock(landing, account, wait_seconds=0):
                return await fetch_batches(landing, session, fetches, observer.on_batch_landed)
    except Exception as error:
        return [as_account_error(account, error)]
