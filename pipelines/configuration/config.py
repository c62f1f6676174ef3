"""The configuration of a run, built from a validated file. Other packages take all they need from this module.

Finding the file, its secrets and its validation are in ``find``, ``secrets`` and ``validate``. No network and no
warehouse may come in.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.account import Account
from extractors.errors import ConfigError
from extractors.registry import PROVIDERS
from extractors.similar_names import suggest
from pipelines.configuration.account_entries import read_account_names
from pipelines.configuration.find import DEFAULT_NAME, ENVIRONMENT_VARIABLE, config_path, find_config
from pipelines.configuration.secrets import read_env
from pipelines.configuration.settings import OperatingSettings, Schedule
from pipelines.configuration.validate import validate_file
from pipelines.configuration.yaml_file import read_yaml

if TYPE_CHECKING:  # the HTTP client is slow to import
    from extractors.http.network import Network

__all__ = [
    "DEFAULT_NAME",
    "ENVIRONMENT_VARIABLE",
    "Config",
    "config_path",
    "find_config",
    "load_config",
    "read_account_names",
    "read_env",
    "validate_config",
]

FEW_ACCOUNTS = 8
"""So many accounts are listed when one is not known."""

SHARED_WAREHOUSE = "delta+s3://"
"""The beginning of the address of a warehouse that several machines may share."""


@dataclass(frozen=True)
class Config:
    """A validated configuration; relative paths start from the file's folder.

    ``landing`` is a folder, or the address of an object store. ``secret_variables`` names, for each account, the
    variables that its credential comes from. ``raw`` is
    the content of the file, with its references to variables as they are written: no secret is in it.
    """

    path: Path
    landing: Path | str
    warehouse: str
    schedule: Schedule
    accounts: tuple[Account, ...]
    secret_variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: OperatingSettings = field(default_factory=OperatingSettings)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    @property
    def is_shared(self) -> bool:
        """Whether several machines may use one landing zone or warehouse of this configuration."""
        return isinstance(self.landing, str) or self.warehouse.startswith(SHARED_WAREHOUSE)

    @property
    def network(self) -> "Network":
        """The way to the internet: proxy and certificate authorities."""
        return self.settings.network.resolve(self.folder)

    @property
    def dagster_home(self) -> Path:
        """The folder of Dagster's state: the environment's ``DAGSTER_HOME``, else ``.dagster`` beside the file."""
        return Path(os.environ.get("DAGSTER_HOME") or self.folder / ".dagster")

    def select_accounts(self, accounts: Sequence[str] = (), providers: Sequence[str] = ()) -> tuple[Account, ...]:
        """Return the accounts with these names and of these providers. An empty sequence selects all.

        Raises ConfigError for an unknown name or provider, and when no account matches.
        """
        known_accounts = [account.name for account in self.accounts]
        problems = [
            f"there is no account {name!r} in {self.path}{_suggest_account(name, known_accounts)}"
            for name in accounts
            if name not in known_accounts
        ]
        problems += [
            f"there is no provider {name!r}{suggest(name, PROVIDERS)}; known: {', '.join(PROVIDERS)}"
            for name in providers
            if name not in PROVIDERS
        ]
        if problems:
            raise ConfigError(problems)
        selected = tuple(
            account
            for account in self.accounts
            if (not accounts or account.name in accounts) and (not providers or account.provider in providers)
        )
        if not selected:
            which = f"none of the accounts {', '.join(accounts)}" if accounts else "no account"
            raise ConfigError([f"{which} in {self.path} is of {' or '.join(providers)}"])
        return selected


def _suggest_account(name: str, known: Sequence[str]) -> str:
    """Return the accounts that resemble a name, or begin with it; of few accounts, all."""
    beginning = [account for account in known if name and account.startswith(name)]
    near = suggest(name, known) or (f"; did you mean {' or '.join(beginning[:3])}?" if beginning else "")
    return near or (f"; it has {', '.join(known)}" if len(known) <= FEW_ACCOUNTS else "; `chatmart status` lists them")


def load_config(path: Path, *, allow_unset_secrets: bool = False, allow_unset_credentials: bool = False) -> Config:
    """Read and validate a configuration file.

    ``allow_unset_secrets`` is for commands that only read what is loaded, ``allow_unset_credentials`` for those in
    which each account fails alone. Raises ConfigError with every problem, each named with file, account and key.
    """
    raw = read_yaml(path)
    return validate_config(
        path, raw, allow_unset_secrets=allow_unset_secrets, allow_unset_credentials=allow_unset_credentials
    )


def validate_config(
    path: Path, raw: Mapping[str, Any], *, allow_unset_secrets: bool = False, allow_unset_credentials: bool = False
) -> Config:
    """Return the configuration for the raw content of the file at ``path``, which need not exist yet.

    ``allow_unset_secrets`` accepts secrets whose variables are not set: such accounts can be listed, not loaded.
    ``allow_unset_credentials`` accepts that of credentials alone: no request of such an account can be sent, and the
    others load. Raises ConfigError with every problem, each named with file, account and key.
    """
    file = validate_file(
        path, raw, allow_unset_secrets=allow_unset_secrets, allow_unset_credentials=allow_unset_credentials
    )
    document = file.document
    return Config(
        path=path,
        landing=document.landing.rstrip("/") if "://" in document.landing else path.parent / document.landing,
        warehouse=document.warehouse,
        schedule=document.schedule,
        accounts=file.accounts,
        secret_variables=file.secret_variables,
        settings=document,
        raw=raw,
    )
