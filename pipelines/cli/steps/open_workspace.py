"""Open what a command works on: the workspace of its configuration. No command's own logic lives here."""

from pipelines.cli.steps.locate_config import locate_config
from pipelines.configuration import config as configuration
from pipelines.loads.workspace import Workspace


def open_workspace(
    config: str | None, command: str, *, needs_secrets: bool = True, allow_unset_credentials: bool = False
) -> Workspace:
    """Open the workspace of a configuration file; without ``config``, of the one that is found.

    ``command`` names the run in the log and in ``load_run``. Without ``needs_secrets`` the variables of the accounts'
    secrets may be unset, and ``.env`` may be another user's. With ``allow_unset_credentials`` an account whose
    credential has an unset variable fails alone. Raises ConfigError when the file is missing or invalid.
    """
    path = locate_config(config)
    loaded_config = configuration.load_config(
        path, allow_unset_secrets=not needs_secrets, allow_unset_credentials=allow_unset_credentials
    )
    return Workspace.open(loaded_config, command=command)
