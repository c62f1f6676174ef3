"""Validation of a whole configuration: every problem is collected and named with file, account and key.

No file is read here except ``.env``. The ``Config`` is built in ``pipelines.configuration.config``.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from extractors.account import Account
from extractors.errors import ConfigError
from extractors.registry import PROVIDERS, get_account_model
from extractors.similar_names import suggest
from pipelines.configuration.account_entries import list_account_entries
from pipelines.configuration.document import Document
from pipelines.configuration.problem_words import Location, describe_problem
from pipelines.configuration.secrets import ReferenceResolver, read_env
from pipelines.configuration.settings import LOCAL

_LANDING_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.=-]+)+/?", re.ASCII)

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class ValidatedFile:
    """The validated content of a configuration file.

    ``secret_variables`` names, for each account, the variables that its credential comes from.
    """

    document: Document
    accounts: tuple[Account, ...]
    secret_variables: Mapping[str, tuple[str, ...]]


def validate_file(
    path: Path, raw: Mapping[str, Any], *, allow_unset_secrets: bool = False, allow_unset_credentials: bool = False
) -> ValidatedFile:
    """Validate the raw content of the file at ``path``, which need not exist yet.

    Raises ConfigError with every problem. ``allow_unset_secrets`` accepts secrets whose variables are not set,
    ``allow_unset_credentials`` only those that are sent to a provider.
    """
    environment = _read_environment(path.parent, allow_unset_secrets)
    checker = _Checker(path, environment, allow_unset_secrets, allow_unset_credentials)
    document = checker.check_document(raw)
    defaults = (raw.get("defaults") or {}) if document is not None else {}
    entries = list_account_entries(raw)
    checked = [checker.check_account(defaults, number, entry) for number, entry in entries]
    accounts = tuple(account for account in checked if account is not None)
    checker.check_names_are_unique([entry for _, entry in entries])
    checker.check_accounts_together(accounts)
    if document is not None and "://" in document.landing and not _LANDING_BUCKET.fullmatch(document.landing):
        checker.add_problem(
            "landing: give a folder, or a bucket and a prefix of an object store, as in s3://bucket/landing"
        )
    if document is not None and document.executor != LOCAL and not document.warehouse.startswith("delta"):
        problem = f"executor: {document.executor} has workers that write side by side, which {document.warehouse} is"
        checker.add_problem(f"{problem} not for: set warehouse to delta+s3://bucket/lake or delta://folder")
    if allow_unset_credentials and checker.problems:
        return validate_file(path, raw)  # it is refused: with what is not set, which is to be mended as well
    if checker.problems or document is None:
        raise ConfigError(checker.problems)
    variables = {account.name: tuple(checker.secret_variables.get(account.name, ())) for account in accounts}
    return ValidatedFile(document, accounts, variables)


def _read_environment(folder: Path, allow_unset_secrets: bool) -> Mapping[str, str | None]:
    """Return the variables of ``.env`` and of the process, which come first.

    Whoever needs no secret needs no ``.env``, such as another user who may only read the warehouse.
    """
    try:
        return {**read_env(folder), **os.environ}
    except ConfigError:
        if not allow_unset_secrets:
            raise
        return os.environ


def _merge(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``own`` over ``defaults``; mappings that both have are merged key by key."""
    nested = {
        key: _merge(defaults[key], own[key])
        for key in defaults.keys() & own.keys()
        if isinstance(defaults[key], dict) and isinstance(own[key], dict)
    }
    return {**defaults, **own, **nested}


def _format_location(location: Location) -> str:
    """Return the keys down to a value with dots; an item of a list by its number, counted from 1."""
    keys = "".join(f", item {key + 1}" if isinstance(key, int) else f".{key}" for key in location if key != "[key]")
    return keys.removeprefix(".")


def _has_outer_blank(value: Any) -> bool:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and text != text.strip()


def _is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()


@dataclass
class _Checker:
    """Checks the parts of one file and collects their problems, each a sentence that begins with the file's name."""

    path: Path
    environment: Mapping[str, str | None]
    allow_unset_secrets: bool
    allow_unset_credentials: bool
    problems: list[str] = field(default_factory=list)
    secret_variables: dict[str, list[str]] = field(default_factory=dict)

    def add_problem(self, problem: str) -> None:
        self.problems.append(f"{self.path.name}: {problem}")

    def check_document(self, raw: Mapping[str, Any]) -> Document | None:
        resolver = self._new_resolver(Document)
        resolved = {  # accounts are resolved one by one, with the secrets of their own models
            key: value if key == "accounts" else resolver.resolve(value, (str(key),)) for key, value in raw.items()
        }
        if not raw.get("network"):
            return self._check_model(Document, resolved, resolver, "")
        from pipelines.configuration import network_checks  # imported late: it imports the HTTP client

        raw_network = raw["network"]
        problem = network_checks.find_plain_credential(
            raw_network.get("proxy") if isinstance(raw_network, dict) else None
        )
        if problem:
            self.add_problem(f"network.proxy: {problem}")
        document = self._check_model(Document, resolved, resolver, "")
        if document is not None:
            for key, problem in network_checks.list_network_problems(document.network.resolve(self.path.parent)):
                self.add_problem(f"network.{key}: {problem}")
        return document

    def check_account(self, defaults: Mapping[str, Any], number: int, entry: Mapping[str, Any]) -> Account | None:
        name = entry.get("name") or f"number {number}"
        label = f"account {name}: "
        provider = entry.get("provider")
        if provider not in PROVIDERS:
            problem = f"is {provider!r}{suggest(str(provider), PROVIDERS)}" if provider else "is missing"
            problem += f"; known: {', '.join(PROVIDERS)}"
            self.add_problem(f"{label}provider: {problem}")
            return None
        model = get_account_model(str(provider))
        merged = _merge(defaults, {key: value for key, value in entry.items() if key != "provider"})
        resolver = self._new_resolver(model)
        resolved = {key: resolver.resolve(value, (str(key),)) for key, value in merged.items()}
        account = self._check_model(model, resolved, resolver, label)
        self.secret_variables.setdefault(str(name), []).extend(resolver.credential_variables)
        if account is not None:
            account.mark_unset(resolver.unset_variables)
            self._check_texts(account, label)
        return account

    def _check_texts(self, account: Account, label: str) -> None:
        """Refuse ids, keys and addresses that no request can carry, or would carry as another text."""
        blank = [key for key in type(account).model_fields if _has_outer_blank(getattr(account, key))]
        for key in blank:
            self.add_problem(f"{label}{key}: begins or ends with a blank or a line break; leave it out")
        if not blank and not all(map(_is_header_value, account.credential().headers.values())):
            self.add_problem(f"{label}credential: holds a character that no HTTP header carries, such as a line break")

    def check_names_are_unique(self, entries: Sequence[Mapping[str, Any]]) -> None:
        counts = Counter(str(entry["name"]) for entry in entries if entry.get("name"))
        for name, count in counts.items():
            if count > 1:
                self.add_problem(f"account {name}: name: is used {count} times; account names are unique")

    def check_accounts_together(self, accounts: Sequence[Account]) -> None:
        for provider in sorted({account.provider for account in accounts}):
            provider_accounts = [account for account in accounts if account.provider == provider]
            for problem in get_account_model(provider).validate_accounts(provider_accounts):
                self.add_problem(problem)

    def _new_resolver(self, model: type[BaseModel]) -> ReferenceResolver:
        return ReferenceResolver(
            model,
            self.environment,
            allow_unset_secrets=self.allow_unset_secrets,
            allow_unset_credentials=self.allow_unset_credentials,
        )

    def _check_model(
        self, model: type[ModelT], resolved: Mapping[str, Any], resolver: ReferenceResolver, label: str
    ) -> ModelT | None:
        for key, problem in resolver.problems:
            self.add_problem(f"{label}{key}: {problem}")
        try:
            checked = model.model_validate(resolved)
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_url=False):
                problem = describe_problem(model, detail["loc"], detail["type"], detail["msg"], detail.get("ctx"))
                self._add_validation_problem(label, detail["loc"], problem)
            return None
        return None if resolver.problems else checked

    def _add_validation_problem(self, label: str, loc: Location, problem: str) -> None:
        if not loc:  # a problem of an account as a whole names its keys itself
            self.add_problem(f"{label}{problem}")
            return
        place = f"{label}{_format_location(loc)}: "
        if not any(earlier.startswith(f"{self.path.name}: {place}") for earlier in self.problems):
            self.add_problem(f"{place}{problem}")
