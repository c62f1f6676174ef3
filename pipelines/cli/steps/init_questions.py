"""The questions of ``chatmart init``, on a terminal: one account's keys and secrets. Nothing is written here.

Questions go to standard error. An answer that the account's own model refuses is asked for again.
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
from extractors.registry import PROVIDERS, get_provider
from pipelines.configuration.init_file import required_ids, required_secrets, secret_variable_name


@dataclass(frozen=True)
class NewAccount:
    """An account as it will stand in the file, and those of its variables that have no value; empty: still none."""

    entry: dict[str, Any]
    variables: dict[str, str]


def ask_for_account(platform: str | None, given: Mapping[str, Any], known: Collection[str]) -> NewAccount:
    """The account that is told of. What it must have and lacks is asked for; without a platform, everything is.

    ``known`` are variables that have a value already. Raises UsageError where there is no terminal to ask on.
    """
    needed = ["name", *required_ids(get_provider(platform).account)] if platform else ["provider", "name"]
    _require_terminal(key for key in needed if key not in given)
    chosen = platform or click.prompt("Platform", type=click.Choice(PROVIDERS), err=True)
    model = get_provider(chosen).account
    must = {key: given[key] if key in given else _key(model, key) for key in ("name", *required_ids(model))}
    besides = {} if platform else _besides(model, given)
    secrets = {key: secret_variable_name(str(must["name"]), key) for key in required_secrets(model) if key not in given}
    return NewAccount(
        {"name": must["name"], "provider": chosen, **must, **besides, **given, **_references(secrets)},
        {name: "" if platform else _secret(model, key) for key, name in secrets.items() if name not in known},
    )


def _require_terminal(missing: Iterable[str]) -> None:
    flags = [f"--{key.replace('_', '-')}" for key in missing]
    if flags and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"give {' and '.join(flags)}: there is no terminal to ask on")


def _references(secrets: Mapping[str, str]) -> dict[str, str]:
    return {key: f"${{{name}}}" for key, name in secrets.items()}


def _besides(model: type[Account], told: Mapping[str, Any]) -> dict[str, Any]:
    """What an account may do without, and most want."""
    found: dict[str, Any] = {}
    if "timezone" not in told:
        found["timezone"] = _key(model, "timezone", default="UTC")
    if "start_date" not in told:
        question = f"start_date ({model.model_fields['start_date'].description}; Enter: none)"
        first = click.prompt(question, default="", show_default=False, value_proc=_day, err=True)
        found.update({"start_date": first} if first else {})
    return found


def _key(model: type[Account], key: str, default: str | None = None) -> str:
    question = f"{key} ({model.model_fields[key].description})"
    answer: str = click.prompt(question, default=default, value_proc=partial(_accepted, model, key), err=True)
    return answer


def _accepted(model: type[Account], key: str, answer: str) -> str:
    try:
        model.model_validate({key: answer.strip()})
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            if each["loc"][:1] == (key,):
                raise click.UsageError(each["msg"].removeprefix("Value error, ")) from None
    return answer.strip()


def _day(answer: str) -> date | None:
    try:
        return date.fromisoformat(answer.strip()) if answer.strip() else None
    except ValueError as error:
        raise click.UsageError("write a day as in 2025-01-31") from error


def _secret(model: type[Account], key: str) -> str:
    question = f"{key} ({model.model_fields[key].description}; not shown; Enter: write it into .env later)"
    answer: str = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    redaction.register_secrets(answer.strip())
    return answer.strip()
