"""The code location of ``dg dev``: the configuration's providers as assets, with jobs, checks and schedules.

In a checkout of the repository, the definitions of the folder ``pipelines/defs`` are beside them.

Requests and the warehouse must not come in: only the configuration file is read. Without a configuration there is one
asset that says so. A wrong configuration is an error that names every problem.
"""

import logging
import os
from pathlib import Path

import dagster as dg

from pipelines.configuration import config as configuration
from pipelines.orchestration.build import build_definitions

PROJECT_ROOT = Path(__file__).parents[1]

log = logging.getLogger("chatmart.definitions")

_MISSING = """
There is no configuration yet, so there is nothing to load.

Write `{path}` (see `chatmart.example.yaml`), or name another file in the variable `{variable}`, then reload this code
location. `chatmart demo` writes one for invented data; `chatmart --config FILE dev` starts this page with one.
"""


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


def find_own_definitions() -> dg.Definitions:
    """Return what the user has put into ``pipelines/defs``: nothing for an installed package."""
    if not (PROJECT_ROOT / "pyproject.toml").is_file():  # Dagster would take the project around the installation
        return dg.Definitions()
    return dg.load_from_defs_folder(path_within_project=PROJECT_ROOT)


defs = dg.Definitions.merge(find_definitions(), find_own_definitions(), dg.Definitions(executor=dg.in_process_executor))
