"""Jobs, and when they start: each provider's daily load, a daily look at the whole star, maintenance.

Which days a load is about is decided in ``plan``; a schedule only names the range.
"""

from collections.abc import Iterator

import dagster as dg

from extractors.redaction import redact
from extractors.windows import ONE_DAY, Window
from pipelines.configuration.config import Config
from pipelines.configuration.settings import TimeOfDay
from pipelines.loads.plan import plan_daily_load, plan_daily_loads
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.maintenance import build_maintenance_job
from pipelines.orchestration.partitions import GRACE_PERIOD
from pipelines.orchestration.star_assets import STAR_GROUP, configured_providers
from warehouse.errors import WarehouseError

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"

_GRACE_HOURS = round(GRACE_PERIOD.total_seconds() / 3600)


def build_schedules(config: Config) -> list[dg.ScheduleDefinition]:
    """All schedules, with their jobs."""
    loads = [build_load_schedule(config, name) for name in configured_providers(config)]
    return [*loads, *build_star_schedules(config), build_maintenance_schedule(config)]


def build_load_schedule(config: Config, provider: str) -> dg.ScheduleDefinition:
    """The daily load, with its job: yesterday, the look-back and what was missed, as one run for all accounts."""
    job = dg.define_asset_job(
        f"load_{provider}",
        selection=dg.AssetSelection.groups(provider),
        description=f"Fetch, load and publish some days of all {provider} accounts. Any range of days is one run.",
    )
    reach = config.settings.catch_up_days

    @dg.schedule(
        job=job,
        name=f"{job.name}_daily",
        cron_schedule=_cron(config.schedule.provider_time(provider)),
        execution_timezone=config.schedule.provider_time(provider).timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Loads yesterday and the look-back of all {provider} accounts, as one run. The range begins "
        f"earlier where days of the last {reach} are missing, failed or stale.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        window = _due(config, provider, context)
        if window is None:
            return dg.SkipReason(f"No {provider} account has begun: see start_date")
        first, last = window.start.isoformat(), max(window.days()).isoformat()
        return dg.RunRequest(tags={RANGE_START_TAG: first, RANGE_END_TAG: last})

    return daily


def _due(config: Config, provider: str, context: dg.ScheduleEvaluationContext) -> Window | None:
    """From the oldest day that an account's daily load is about to the newest."""
    accounts, now = config.select_accounts(providers=[provider]), context.scheduled_execution_time
    try:
        loads = plan_daily_loads(Workspace.open(config).store, accounts, now, config.settings.catch_up_days)
    except WarehouseError as error:
        # nobody is told of a tick that fails; the run will fail for the same reason, and is told of
        context.log.warning(redact(f"only the look-back is loaded, for the warehouse could not be asked: {error}"))
        loads = [load for account in accounts if (load := plan_daily_load(account, (), now, 0))]
    return (
        Window(min(load.days[0] for load in loads), max(load.days[-1] for load in loads) + ONE_DAY) if loads else None
    )


def build_star_schedules(config: Config) -> Iterator[dg.ScheduleDefinition]:
    """A look at the star when the loads ought to be done, with its job: it also sees what failed or never started.

    One for the common time, and one for each provider whose loads have a time of their own.
    """
    job = dg.define_asset_job(
        "check_star",
        selection=dg.AssetSelection.groups(STAR_GROUP),
        description="Count and check what is published, for all providers. Loads nothing.",
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
            cron_schedule=_cron(time, later=_GRACE_HOURS),
            execution_timezone=time.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Looks whether what the daily loads were to bring is there.",
        )


def build_maintenance_schedule(config: Config) -> dg.ScheduleDefinition:
    """Daily, once the loads and the look at the star are done."""
    return dg.ScheduleDefinition(
        job=build_maintenance_job(config),
        name="maintain_daily",
        cron_schedule=_cron(config.schedule.common_time, later=2 * _GRACE_HOURS),
        execution_timezone=config.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes what the configuration's retention does not keep.",
    )


def _cron(time: TimeOfDay, later: int = 0) -> str:
    return f"{time.minute} {(time.hour + later) % 24} * * *"
