"""Jobs, and when they start: each provider's daily load of its look-back, and a daily look at the whole star.

Which days a load is about is decided in ``partitions``; a schedule only names the range.
"""

import dagster as dg

from pipelines.config import Config
from pipelines.partitions import GRACE, look_back
from pipelines.star import GROUP

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def load_schedule(config: Config, provider: str) -> dg.ScheduleDefinition:
    """The daily load, with its job: yesterday and the look-back of all accounts of a provider, as one run."""
    accounts = config.select(providers=[provider])
    job = dg.define_asset_job(
        f"load_{provider}",
        selection=dg.AssetSelection.groups(provider),
        description=f"Fetch, load and publish some days of all {provider} accounts. Any range of days is one run.",
    )

    @dg.schedule(
        job=job,
        name=f"{job.name}_daily",
        cron_schedule=_cron(config),
        execution_timezone=config.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Loads yesterday and the look-back of all {provider} accounts, as one run.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        window = look_back(accounts, context.scheduled_execution_time)
        if window is None:
            return dg.SkipReason(f"No {provider} account has begun: see start_date")
        first, last = window.start.isoformat(), max(window.days()).isoformat()
        return dg.RunRequest(tags={RANGE_START: first, RANGE_END: last})

    return daily


def star_schedule(config: Config) -> dg.ScheduleDefinition:
    """A look at the star when the loads ought to be done, with its job: it also sees what failed or never started."""
    job = dg.define_asset_job(
        "check_star",
        selection=dg.AssetSelection.groups(GROUP),
        description="Count and check what is published, for all providers. Loads nothing.",
    )
    return dg.ScheduleDefinition(
        job=job,
        name=f"{job.name}_daily",
        cron_schedule=_cron(config, later=round(GRACE.total_seconds() / 3600)),
        execution_timezone=config.schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks whether what the daily loads were to bring is there.",
    )


def _cron(config: Config, later: int = 0) -> str:
    return f"{config.schedule.minute} {(config.schedule.hour + later) % 24} * * *"
