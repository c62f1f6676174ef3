"""Make Dagster's storage ready before its processes start: its tables, and the days that are loaded already.

Several processes that create the storage at once ruin it, so that one does it first. What a load records at its end is
in ``instance.materializations``.
"""

import logging
from contextlib import redirect_stdout
from io import StringIO

from sqlalchemy.exc import SQLAlchemyError

from extractors.errors import ChatmartError, ConfigError
from extractors.foreign_text import clean_line
from extractors.redaction import RedactingFilter
from extractors.windows import Window, today
from pipelines.configuration.config import Config
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance.events import ASSETS, open_instance, write_materializations
from pipelines.orchestration.instance.home import home_folder
from pipelines.orchestration.loaded_days import MetadataByDay, complete_days
from pipelines.orchestration.partitions import FIRST_DAY
from warehouse.errors import NothingPublished, WarehouseError

log = logging.getLogger("chatmart.reporting")
log.addFilter(RedactingFilter())


def prepare_storage(config: Config) -> None:
    """Create or upgrade the tables of Dagster's storage. Raises ConfigError when its database refuses."""
    try:
        with open_instance(config) as instance, redirect_stdout(StringIO()):  # it prints its progress
            instance.upgrade()
    except SQLAlchemyError as error:
        reason = clean_line(str(getattr(error, "orig", None) or error))
        problem = f"the database of Dagster's home {home_folder(config)} cannot be used: {reason}"
        raise ConfigError([f"{problem}; set DAGSTER_HOME to another folder, or see DAGSTER_POSTGRES_URL"]) from None


def record_loaded_days(workspace: Workspace) -> int:
    """Record the days that every account of a provider has and that Dagster does not know of; return their number.

    Nothing here stops the start: a warehouse that cannot be read is logged.
    """
    providers = list(dict.fromkeys(account.provider for account in workspace.config.accounts))
    try:
        days = {provider: _read_days(workspace, provider) for provider in providers}
        event_count = write_materializations(workspace.config, days, dict.fromkeys(providers, ()))
    except NothingPublished:
        return 0
    except (ChatmartError, WarehouseError) as error:
        log.warning("the loaded days were not recorded in Dagster: %s", clean_line(str(error)))
        return 0
    return event_count // len(ASSETS)


def _read_days(workspace: Workspace, provider: str) -> MetadataByDay:
    accounts = workspace.config.select_accounts(providers=[provider])
    now = workspace.clock.now()
    first = min(account.start_date or FIRST_DAY for account in accounts)
    end = max(today(account.zone, now) for account in accounts)
    return complete_days(workspace.store, accounts, Window(first, end), now) if first < end else {}
