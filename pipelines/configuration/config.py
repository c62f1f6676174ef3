"""The configuration file: read, checked as a whole, and every problem named at once. No network, no warehouse.

Secrets come by reference only (``${VARIABLE}``, from the environment or a ``.env`` beside the file) and are
registered for redaction before anything else happens.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError

from extractors import redaction
from extractors.account import Account
from extractors.errors import ConfigError
from extractors.registry import PROVIDERS, get_provider
from pipelines.configuration.document import Document
from pipelines.configuration.settings import OperatingSettings, Schedule
from pipelines.configuration.yaml_file import read_yaml

ENVIRONMENT_VARIABLE = "CHATMART_CONFIG"
DEFAULT_NAME = "chatmart.yaml"
ModelT = TypeVar("ModelT", bound=BaseModel)
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Config:
    """A checked configuration; relative paths are relative to the file's folder.

    ``variables`` names, for each account, the variables that its credential comes from.
    """

    path: Path
    landing: Path
    warehouse: str
    schedule: Schedule
    accounts: tuple[Account, ...]
    secret_variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: OperatingSettings = field(default_factory=OperatingSettings)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its state: the environment's ``DAGSTER_HOME``, else a folder beside the file."""
        return Path(os.environ.get("DAGSTER_HOME") or self.folder / ".dagster")

    def select_accounts(self, accounts: Sequence[str] = (), providers: Sequence[str] = ()) -> tuple[Account, ...]:
        """The accounts of these names and providers, all when none is named; ConfigError for an unknown name."""
        known_accounts = {account.name for account in self.accounts}
        problems = [
            f"there is no account {name!r} in {self.path.name}" for name in accounts if name not in known_accounts
        ]
        problems += [
            f"there is no provider {name!r}; known: {', '.join(PROVIDERS)}"
            for name in providers
            if name not in PROVIDERS
        ]
        if problems:
            raise ConfigError(problems)
        chosen = tuple(
            account
            for account in self.accounts
            if (not accounts or account.name in accounts) and (not providers or account.provider in providers)
        )
        if not chosen:
            raise ConfigError([f"no account in {self.path.name} matches"])
        return chosen


def config_path(path: str | None) -> Path:
    """Where the configuration is or will be: the path, else ``CHATMART_CONFIG``, else ``chatmart.yaml`` here."""
    return Path(path or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME).absolute()


def find_config(path: str | None) -> Path:
    """Where the configuration is. Raises ConfigError when it is not there."""
    found = config_path(path)
    if not found.is_file():
        raise ConfigError([f"there is no configuration at {found}; write one: `chatmart init`, or try `chatmart demo`"])
    return found


def read_account_names(path: Path) -> list[tuple[str, str]]:
    """The accounts of a file as (name, provider), as they stand there: what can be read of a file that may be wrong."""
    entries = (entry for _, entry in _entries(read_yaml(path)))
    return [(str(entry["name"]), str(entry["provider"])) for entry in entries if {"name", "provider"} <= entry.keys()]


def load_config(path: Path) -> Config:
    """Read and check a configuration. Raises ConfigError with every problem: file, account and key of each."""
    return validate_config(path, read_yaml(path))


def validate_config(path: Path, raw: Mapping[str, Any], *, allow_unset_secrets: bool = False) -> Config:
    """What stands, or will stand, in the file at ``path``, checked as ``load`` does.

    ``without_secrets`` lets secrets pass whose variables are not set yet. Such accounts can be looked at, not loaded.
    """
    values = _Values(path, {**read_env(path.parent), **os.environ}, allow_unset_secrets)
    document = values.check(Document, raw, "")
    defaults = (raw.get("defaults") or {}) if document is not None else {}
    entries = _entries(raw)
    accounts = [_account(values, defaults, index, entry) for index, entry in entries]
    good = [account for account in accounts if account is not None]
    values.problems += [
        f"{path.name}: account {name}: name: stands {count} times; account names are unique"
        for name, count in Counter(str(entry["name"]) for _, entry in entries if entry.get("name")).items()
        if count > 1
    ]
    for name in sorted({account.provider for account in good}):
        fleet = [account for account in good if account.provider == name]
        values.problems += [
            f"{path.name}: {problem}" for problem in get_provider(name).account.validate_accounts(fleet)
        ]
    if document is not None and "://" in document.landing:
        values.problems.append(f"{path.name}: landing: only a folder is supported in this version")
    if values.problems or document is None:
        raise ConfigError(values.problems)
    variables = {account.name: tuple(values.variables.get(_label(account.name), ())) for account in good}
    landing = path.parent / document.landing
    return Config(path, landing, document.warehouse, document.schedule, tuple(good), variables, document)


def read_env(folder: Path) -> Mapping[str, str | None]:
    """The variables of the ``.env`` in a folder, none when there is none. Raises ConfigError."""
    try:
        return dotenv_values(folder / ".env")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f".env: cannot be read ({type(error).__name__})"]) from error


def _entries(raw: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    entries = raw.get("accounts")
    numbered = enumerate(entries, 1) if isinstance(entries, list) else ()
    return [(number, entry) for number, entry in numbered if isinstance(entry, dict)]


def _account(values: "_Values", defaults: dict[str, Any], number: int, entry: dict[str, Any]) -> Account | None:
    label = _label(entry.get("name") or f"number {number}")
    name = entry.get("provider")
    if name not in PROVIDERS:
        values.problem(label, "provider", f"is {name!r}; known: {', '.join(PROVIDERS)}" if name else "is missing")
        return None
    model = get_provider(str(name)).account
    own = {key: value for key, value in entry.items() if key != "provider"}
    account = values.check(model, _merged(defaults, own), label)
    if account is not None and not all(map(_sendable, account.credential().headers.values())):
        values.problem(label, "credential", "holds a character that no HTTP header carries, such as a line break")
    return account


def _label(name: object) -> str:
    return f"account {name}: "


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``defaults``, key by key also inside."""
    both = {
        key: _merged(defaults[key], own[key])
        for key in defaults.keys() & own.keys()
        if isinstance(defaults[key], dict) and isinstance(own[key], dict)
    }
    return {**defaults, **own, **both}


def _sendable(header: str) -> bool:
    return header.isascii() and header.isprintable()


class _Values:
    """Fills in references and gathers problems."""

    def __init__(self, path: Path, environment: Mapping[str, str | None], without_secrets: bool) -> None:
        self.path = path
        self.environment = environment
        self.problems: list[str] = []
        self.variables: dict[str, list[str]] = {}
        self._without_secrets = without_secrets

    def problem(self, label: str, key: str, what: str) -> None:
        self.problems.append(f"{self.path.name}: {label}{key}: {what}")

    def check(self, model: type[ModelT], raw: Mapping[str, Any], label: str) -> ModelT | None:
        before = len(self.problems)
        secrets = set(iter_secret_keys(model))
        filled = {
            key: value if key == "accounts" else self._fill(value, label, (str(key),), secrets)
            for key, value in raw.items()
        }
        unset = len(self.problems) > before
        try:
            checked = model.model_validate(filled)
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False):
                self._explain(label, each["loc"], each["type"], each["msg"])
            return None
        return None if unset else checked

    def _explain(self, label: str, loc: tuple[int | str, ...], kind: str, message: str) -> None:
        known = {"extra_forbidden": "is no known key", "missing": "is missing"}
        what = known.get(kind, message.removeprefix("Value error, "))
        place = f"{self.path.name}: {label}"
        if not loc:  # what concerns an account as a whole names its keys itself
            self.problems.append(place + what)
            return
        place += f"{'.'.join(map(str, loc))}: "
        if not any(earlier.startswith(place) for earlier in self.problems):
            self.problems.append(place + what)

    def _fill(self, value: Any, label: str, loc: tuple[str, ...], secrets: set[tuple[str, ...]]) -> Any:
        if isinstance(value, dict):
            return {key: self._fill(each, label, (*loc, str(key)), secrets) for key, each in value.items()}
        if isinstance(value, list):
            return [self._fill(each, label, loc, secrets) for each in value]
        secret = loc in secrets
        if secret and value is not None and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            self.problem(
                label, ".".join(loc), "is a secret and stands here in plain; write ${VARIABLE} and set the variable"
            )
            return "refused"
        if not isinstance(value, str):
            return value
        filled = _REFERENCE.sub(lambda match: self._variable(match[1], label, loc, secret), value)
        if secret:
            redaction.register_secrets(filled)
        return filled

    def _variable(self, name: str, label: str, loc: tuple[str, ...], secret: bool) -> str:
        found = self.environment.get(name)
        if secret and len(loc) == 1:  # deeper ones are keys of our own: no provider asks for them
            self.variables.setdefault(label, []).append(name)
        if not found and secret and self._without_secrets:
            return ""
        if not found:
            self.problem(label, ".".join(loc), f"the variable {name} is not set; set it or write it into .env")
            return "unset"
        return found


def iter_secret_keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys of a model, each as a path, whose values stand in the file by reference only."""
    for name, told in model.model_fields.items():
        kinds = (told.annotation, *get_args(told.annotation))
        for kind in kinds:
            if kind is SecretStr:
                yield (*prefix, name)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from iter_secret_keys(kind, (*prefix, name))
