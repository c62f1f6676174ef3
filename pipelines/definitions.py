"""The code location of ``dagster dev``: the configuration's providers as assets, with jobs, checks and schedules.

Requests and the warehouse must not come in: only the configuration file is read. Without a configuration there is one
asset that says so. A wrong configuration is an error that names every problem.
"""

import logging
import os
import warnings
from pathlib import Path

import dagster as dg

from pipelines.configuration import config as configuration
from pipelines.configuration.config import Config
from pipelines.orchestration.assets import build_provider_assets
from pipelines.orchestration.schedules import build_schedules
from pipelines.orchestration.sensors import build_failure_sensor, build_star_sensor
from pipelines.orchestration.star_assets import build_star_assets, configured_providers

log = logging.getLogger("chatmart.definitions")

_MISSING = """
There is no configuration yet, so there is nothing to load.

Write `{path}` (see `chatmart.example.yaml`), or name another file in the variable `{variable}`, then reload this code
location. `chatmart demo` writes one for invented data; `chatmart --config FILE dev` starts this page with one.
"""


def build_definitions(config: Config) -> dg.Definitions:
    """Return assets, schedules, sensors and executor for a configuration. A provider without accounts has no assets."""
    names = configured_providers(config)
    with warnings.catch_warnings():
        # BackfillPolicy.single_run makes a range of days one run, on which all measured figures rest; Dagster warns at
        # every use that the policy is beta
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            *(asset for name in names for asset in build_provider_assets(config, name)),
            build_star_assets(config),
        ]
    return dg.Definitions(
        assets=assets,
        schedules=build_schedules(config),
        sensors=[build_star_sensor(), build_failure_sensor(config)],
        executor=dg.in_process_executor,
    )


def definitions_without_configuration(path: Path) -> dg.Definitions:
    """Return one asset that cannot be materialised and whose description says that ``path`` is missing."""
    text = _MISSING.format(path=path, variable=configuration.ENVIRONMENT_VARIABLE)
    return dg.Definitions(assets=[dg.AssetSpec("configuration_is_missing", description=text)])


def find_definitions() -> dg.Definitions:
    """Return the definitions for ``CHATMART_CONFIG``, else for ``chatmart.yaml`` in the current folder.

    Raises ConfigError for a wrong configuration, and for a ``CHATMART_CONFIG`` that names no file.
    """
    default_path = Path(configuration.DEFAULT_NAME).absolute()
    if configuration.ENVIRONMENT_VARIABLE not in os.environ and not default_path.is_file():
        log.warning("there is no configuration at %s", default_path)
        return definitions_without_configuration(default_path)
    return build_definitions(configuration.load_config(configuration.find_config(None)))


defs = find_definitions()
