"""Jobs and their schedules: each provider's daily load, a daily check of the whole star, and maintenance.

A schedule only names the range of days; which days a load covers is decided in ``loads.plan``, not here.
"""

from collections.abc import Iterator

import dagster as dg

from extractors.foreign_text import clean_line
from extractors.windows import ONE_DAY, Window
from pipelines.configuration.config import Config
from pipelines.configuration.settings import TimeOfDay
from pipelines.loads.plan import plan_daily_load, plan_daily_loads
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.maintenance import build_maintenance_job
from pipelines.orchestration.partitions import GRACE_PERIOD
from pipelines.orchestration.star_assets import WAREHOUSE_ASSETS, configured_providers
from warehouse.errors import WarehouseError

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_GRACE_HOURS = round(GRACE_PERIOD.total_seconds() / 3600)


def build_schedules(config: Config, *, is_scheduled: bool = True) -> list[dg.ScheduleDefinition]:
    """Return all schedules with their jobs; unless ``is_scheduled``, each waits until somebody switches it on."""
    status = _RUNNING if is_scheduled else dg.DefaultScheduleStatus.STOPPED
    loads = [build_load_schedule(config, name, status) for name in configured_providers(config)]
    return [*loads, *build_star_schedules(config, status), build_maintenance_schedule(config, status)]


def build_load_schedule(
    config: Config, provider: str, status: dg.DefaultScheduleStatus = _RUNNING
) -> dg.ScheduleDefinition:
    """Return a provider's daily load with its job: one run for all accounts.

    It covers yesterday, the look-back and missed days of the last ``catch_up_days`` days.
    """
    job = dg.define_asset_job(
        f"load_{provider}",
        selection=dg.AssetSelection.groups(provider),
        description=f"Fetches, loads and publishes days of all {provider} accounts. A range of days is one run.",
        executor_def=dg.in_process_executor,
    )
    reach_days = config.settings.catch_up_days

    @dg.schedule(
        job=job,
        name=f"{job.name}_daily",
        cron_schedule=_build_cron(config.schedule.provider_time(provider)),
        execution_timezone=config.schedule.provider_time(provider).timezone,
        default_status=status,
        description=f"Loads yesterday and the look-back of all {provider} accounts, as one run. The range begins "
        f"earlier where days of the last {reach_days} are missing, failed or stale.",
    )
    def load_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        window = _plan_window(config, provider, context)
        if window is None:
            return dg.SkipReason(f"No {provider} account has begun: see start_date")
        first, last = window.start.isoformat(), max(window.days()).isoformat()
        return dg.RunRequest(tags={RANGE_START_TAG: first, RANGE_END_TAG: last})

    return load_daily


def _plan_window(config: Config, provider: str, context: dg.ScheduleEvaluationContext) -> Window | None:
    """Return the days from the oldest to the newest of all accounts' daily loads; None when no account has begun."""
    accounts, now = config.select_accounts(providers=[provider]), context.scheduled_execution_time
    try:
        reach_days = config.settings.catch_up_days
        loads = plan_daily_loads(Workspace.open(config).store, accounts, now, reach_days, with_older=False)
    except WarehouseError as error:
        # a failed tick sends no alert; the run will fail for the same reason, and its failure does
        context.log.warning(clean_line(f"only the look-back is loaded: the warehouse could not be read: {error}"))
        loads = [load for account in accounts if (load := plan_daily_load(account, (), now, 0))]
    return (
        Window(min(load.days[0] for load in loads), max(load.days[-1] for load in loads) + ONE_DAY) if loads else None
    )


def build_star_schedules(
    config: Config, status: dg.DefaultScheduleStatus = _RUNNING
) -> Iterator[dg.ScheduleDefinition]:
    """Yield the schedules that check the star when the daily loads are due, with their job.

    They also notice loads that failed or never started. One runs after the common time, and one after the time of each
    provider that has its own.
    """
    job = dg.define_asset_job(
        "check_star",
        selection=WAREHOUSE_ASSETS,
        description="Counts and checks the published tables and views of all providers. Loads nothing.",
        executor_def=dg.in_process_executor,
    )
    common = config.schedule.common_time
    times = {f"{job.name}_daily": common}
    for provider in configured_providers(config):
        own = config.schedule.provider_time(provider)
        if own not in times.values():
            times[f"{job.name}_daily_after_{provider}"] = own
    for name, time in times.items():
        yield dg.ScheduleDefinition(
            job=job,
            name=name,
            cron_schedule=_build_cron(time, delay_hours=_GRACE_HOURS),
            execution_timezone=time.timezone,
            default_status=status,
            description="Checks that the days of the daily loads are loaded.",
        )


def build_maintenance_schedule(config: Config, status: dg.DefaultScheduleStatus = _RUNNING) -> dg.ScheduleDefinition:
    """Return the daily maintenance with its job; it starts after the loads and the check of the star."""
    return dg.ScheduleDefinition(
        job=build_maintenance_job(config),
        name="maintain_daily",
        cron_schedule=_build_cron(config.schedule.common_time, delay_hours=2 * _GRACE_HOURS),
        execution_timezone=config.schedule.timezone,
        default_status=status,
        description="Deletes files and logs that are older than the configured retention.",
    )


def _build_cron(time: TimeOfDay, delay_hours: int = 0) -> str:
    return f"{time.minute} {(time.hour + delay_hours) % 24} * * *"
