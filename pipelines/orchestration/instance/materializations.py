"""Telling Dagster of days that were loaded without it, so that its partitions show what the warehouse holds.

Best effort: Dagster is imported only where it was started before, has so many seconds at most, and whatever goes wrong
there is logged and never fails a load.
"""

import logging
from collections.abc import Collection
from datetime import date
from threading import Thread

from extractors.redaction import RedactingFilter
from extractors.windows import ONE_DAY, Window
from pipelines.loads.failures import FailedDays
from pipelines.loads.run import LoadJob
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance.home import has_instance
from pipelines.orchestration.loaded_days import MetadataByDay, complete_days

log = logging.getLogger("chatmart.reporting")
log.addFilter(RedactingFilter())

TIMEOUT_SECONDS = 20.0
"""How long a load waits for Dagster to take the report."""


def record_materializations(
    workspace: Workspace, jobs: Collection[LoadJob], failed: FailedDays, extra_window: Window | None = None
) -> bool:
    """Report the days that these jobs loaded and that no account of the provider lacks; whether Dagster took them.

    Days of the window ``also`` that Dagster does not know of are reported too: they were loaded at another time.
    """
    if not jobs or not has_instance(workspace.config):
        return False
    told: list[bool] = []
    reporter = Thread(target=lambda: told.append(_report(workspace, jobs, failed, extra_window)), daemon=True)
    reporter.start()
    reporter.join(TIMEOUT_SECONDS)
    if reporter.is_alive():
        log.warning("Dagster did not take the report of what was loaded within %d seconds", TIMEOUT_SECONDS)
    return any(told)


def _report(workspace: Workspace, jobs: Collection[LoadJob], failed: FailedDays, also: Window | None) -> bool:
    try:
        from pipelines.orchestration.instance.events import write_materializations

        loaded: dict[str, set[date]] = {}
        for job in jobs:
            days = loaded.setdefault(job.account.provider, set())
            days.update(set(job.days).difference(failed.get(job.account.name, ())))
        write_materializations(
            workspace.config, {name: _whole(workspace, name, days, also) for name, days in loaded.items()}, loaded
        )
    except Exception:
        log.warning("Dagster was not told of what was loaded", exc_info=True)
        return False
    return True


def _whole(workspace: Workspace, provider: str, days: Collection[date], also: Window | None) -> MetadataByDay:
    ends = [*days, *((also.start, also.end - ONE_DAY) if also else ())]
    if not ends:
        return {}
    window = Window(min(ends), max(ends) + ONE_DAY)
    accounts = workspace.config.select_accounts(providers=[provider])
    found = complete_days(workspace.store, accounts, window, workspace.clock.now())
    return found if also else {day: about for day, about in found.items() if day in days}
