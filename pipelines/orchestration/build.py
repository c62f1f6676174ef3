"""Dagster's definitions of a configuration: assets, checks, jobs, schedules and sensors, put together.

No environment variable and no file is read here: see ``pipelines.definitions`` and ``orchestration.component``.
"""

import warnings

import dagster as dg

from pipelines.configuration.config import Config
from pipelines.orchestration.assets import build_provider_assets
from pipelines.orchestration.schedules import build_schedules
from pipelines.orchestration.sensors import build_failure_sensor, build_star_sensor
from pipelines.orchestration.star_assets import build_star_assets, configured_providers


def build_definitions(config: Config, *, is_scheduled: bool = True, is_guest: bool = False) -> dg.Definitions:
    """Return assets, schedules and sensors for a configuration. A provider without accounts has no assets.

    Schedules run by themselves when ``is_scheduled``; otherwise each waits until somebody switches it on. In a project
    of somebody else (``is_guest``) alerts are about the failed runs of these definitions only.
    """
    names = configured_providers(config)
    with warnings.catch_warnings():
        # BackfillPolicy.single_run makes a range of days one run, on which all measured figures rest; Dagster warns at
        # every use that the policy is beta
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            *(asset for name in names for asset in build_provider_assets(config, name)),
            build_star_assets(config),
        ]
    schedules = build_schedules(config, is_scheduled=is_scheduled)
    asset_keys = {key for asset in assets for key in asset.keys}
    job_names = {schedule.job_name for schedule in schedules}

    def is_own(run: dg.DagsterRun) -> bool:
        return run.job_name in job_names or not asset_keys.isdisjoint(run.asset_selection or ())

    return dg.Definitions(
        assets=assets,
        schedules=schedules,
        sensors=[build_star_sensor(), build_failure_sensor(config, is_own if is_guest else None)],
    )
