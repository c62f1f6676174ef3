"""Open what a command works on: the workspace of its configuration. No command's own logic lives here."""

from pipelines.configuration import config as configuration
from pipelines.loads.workspace import Workspace


def open_workspace(config: str | None, command: str) -> Workspace:
    """Open the workspace of a configuration file; without ``config``, of the one that is found.

    ``command`` names the run in the log and in ``load_run``. Raises ConfigError when the file is missing or invalid.
    """
    return Workspace.open(configuration.load_config(configuration.find_config(config)), command=command)
