"""Records days that were loaded outside Dagster, so that Dagster's partitions match the warehouse.

Best effort, and nothing here may fail a load: Dagster is imported only if it was started here before, gets at most 20
seconds, and every error is only logged. Importing dagster at the top of this module is not allowed.
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
"""How long a load waits for Dagster to record its days."""


def record_materializations(
    workspace: Workspace, jobs: Collection[LoadJob], failed: FailedDays, extra_window: Window | None = None
) -> bool:
    """Record the days that these jobs loaded and that every account of the provider has; return whether it worked.

    Days of ``extra_window`` that were loaded at another time and that Dagster does not know of are recorded too.
    """
    if not jobs or not has_instance(workspace.config):
        return False
    outcomes: list[bool] = []
    recorder = Thread(target=lambda: outcomes.append(_try_record(workspace, jobs, failed, extra_window)), daemon=True)
    recorder.start()
    recorder.join(TIMEOUT_SECONDS)
    if recorder.is_alive():
        log.warning("Dagster did not record the loaded days within %d seconds", TIMEOUT_SECONDS)
    return any(outcomes)


def _try_record(
    workspace: Workspace, jobs: Collection[LoadJob], failed: FailedDays, extra_window: Window | None
) -> bool:
    try:
        from pipelines.orchestration.instance.events import write_materializations

        loaded: dict[str, set[date]] = {}
        for job in jobs:
            days = loaded.setdefault(job.account.provider, set())
            days.update(set(job.days).difference(failed.get(job.account.name, ())))
        days_by_provider = {
            provider: _read_complete_days(workspace, provider, days, extra_window) for provider, days in loaded.items()
        }
        write_materializations(workspace.config, days_by_provider, loaded)
    except Exception:
        log.warning("the loaded days were not recorded in Dagster", exc_info=True)
        return False
    return True


def _read_complete_days(
    workspace: Workspace, provider: str, days: Collection[date], extra_window: Window | None
) -> MetadataByDay:
    ends = [*days, *((extra_window.start, extra_window.end - ONE_DAY) if extra_window else ())]
    if not ends:
        return {}
    window = Window(min(ends), max(ends) + ONE_DAY)
    accounts = workspace.config.select_accounts(providers=[provider])
    complete = complete_days(workspace.store, accounts, window, workspace.clock.now())
    return complete if extra_window else {day: metadata for day, metadata in complete.items() if day in days}
