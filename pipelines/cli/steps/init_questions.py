"""The prompts of ``chatmart init`` on a terminal: the keys and secrets of one account. No file is written here.

Prompts go to standard error. A value that the account's model refuses is prompted for again.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import click
from pydantic import ValidationError

from extractors import redaction
from extractors.account import Account
from extractors.registry import PROVIDERS, get_account_model
from pipelines.cli.option_types import NameChoice
from pipelines.configuration.init_file import (
    convert_settings,
    required_ids,
    required_secrets,
    secret_variable_name,
)
from pipelines.configuration.problem_words import describe_problem


@dataclass(frozen=True)
class NewAccount:
    """A new account: its entry in the file, and the variables of its secrets that are not set yet.

    A variable's value is empty when the user has not typed it.
    """

    entry: dict[str, Any]
    variables: dict[str, str]


def ask_for_account(provider: str | None, values: Mapping[str, Any], set_variables: Collection[str]) -> NewAccount:
    """Build an account from the values of the options, and prompt for required values that are missing.

    Without a provider, prompt for everything: provider, time zone, start date and secrets too. ``set_variables`` are
    environment variables that have a value already. Raises UsageError when a prompt is needed without a terminal.
    """
    required = ["name", *required_ids(get_account_model(provider))] if provider else ["provider", "name"]
    _require_terminal(key for key in required if key not in values)
    chosen = provider or click.prompt("provider", type=NameChoice(PROVIDERS), err=True)
    model = get_account_model(chosen)
    ids = {key: values[key] if key in values else _prompt_key(model, key) for key in ("name", *required_ids(model))}
    optional = {} if provider else _prompt_optional_keys(model, values)
    names = {key: secret_variable_name(str(ids["name"]), key) for key in required_secrets(model) if key not in values}
    settings = {"name": ids["name"], "provider": chosen, **ids, **optional, **values, **_variable_references(names)}
    return NewAccount(
        convert_settings(model, settings),
        {
            name: "" if provider else _prompt_secret(model, key)
            for key, name in names.items()
            if name not in set_variables
        },
    )


def _require_terminal(missing: Iterable[str]) -> None:
    flags = [f"--{key.replace('_', '-')}" for key in missing]
    if flags and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"give {' and '.join(flags)}: there is no terminal to prompt on")


def _variable_references(names: Mapping[str, str]) -> dict[str, str]:
    return {key: f"${{{name}}}" for key, name in names.items()}


def _prompt_optional_keys(model: type[Account], values: Mapping[str, Any]) -> dict[str, Any]:
    """Prompt for the optional keys that most accounts set: time zone and start date."""
    prompted: dict[str, Any] = {}
    if "timezone" not in values:
        prompted["timezone"] = _prompt_key(model, "timezone", default="UTC")
    if "start_date" not in values:
        question = f"start_date ({model.model_fields['start_date'].description}; Enter: none)"
        first_day = click.prompt(question, default="", show_default=False, value_proc=_parse_day, err=True)
        prompted.update({"start_date": first_day} if first_day else {})
    return prompted


def _prompt_key(model: type[Account], key: str, default: str | None = None) -> str:
    question = f"{key} ({model.model_fields[key].description})"
    value: str = click.prompt(question, default=default, value_proc=partial(_validate_key, model, key), err=True)
    return value


def _validate_key(model: type[Account], key: str, text: str) -> str:
    """Return the stripped text; raise UsageError when the account's model refuses it for this key."""
    value = text.strip()
    try:
        model.model_validate({key: value})
    except ValidationError as error:  # it also lists the other keys, which are missing here
        for problem in error.errors(include_input=False, include_url=False):
            if problem["loc"][:1] == (key,):
                words = describe_problem(model, problem["loc"], problem["type"], problem["msg"], problem.get("ctx"))
                raise click.UsageError(words) from None
    return value


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise click.UsageError("write a day as in 2025-01-31") from error


def _prompt_secret(model: type[Account], key: str) -> str:
    question = f"{key} ({model.model_fields[key].description}; not shown; Enter: write it into .env later)"
    text: str = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    secret = text.strip()
    redaction.register_secrets(secret)
    return secret
