"""The places one run works with: configuration, landing zone, warehouse, clock. Opened here, used by the others."""

import uuid
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from extractors.account import Account
from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.http.transport import HttpSettings
from extractors.landing.zone import LandingZone
from pipelines.configuration.config import Config
from pipelines.loads.stop import StopSignal
from warehouse.records import AccountRow
from warehouse.store import Store, open_store

CODE_VERSION = version("chatmart")


def _run_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Workspace:
    """What a run is given.

    ``run_id`` stands in the ledger beside every slice that the run loaded; ``command`` is what started it, ``stop``
    tells it to end early.
    """

    config: Config
    landing: LandingZone
    store: Store
    clock: Clock = SYSTEM_CLOCK
    http_settings: HttpSettings = field(default_factory=HttpSettings)
    run_id: str = field(default_factory=_run_id)
    command: str = "load"
    stop: StopSignal = field(default_factory=StopSignal)

    @classmethod
    def open(cls, config: Config, run_id: str | None = None, command: str = "load") -> "Workspace":
        """The workspace of a configuration; touches no file. Raises UnsupportedStore for an unknown address."""
        store = open_store(config.warehouse, config.folder)
        return cls(config, LandingZone(config.landing), store, run_id=run_id or _run_id(), command=command)

    @property
    def staging(self) -> Path:
        """Where staged Parquet lies between transform and commit."""
        return self.store.staging_folder


def build_account_row(account: Account) -> AccountRow:
    """An account as the warehouse keeps it."""
    return AccountRow(
        account=account.name,
        provider=account.provider,
        external_id=account.external_id,
        timezone=account.timezone,
        start_date=account.start_date,
        lookback_days=account.lookback_days,
    )
