"""The work of ``chatmart init``: write a configuration from options, or from answers to prompts.

What must not come in: the prompts (``steps.init_questions``) and the text of the file (``configuration.init_file``).
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from extractors.errors import ConfigError
from pipelines.cli.options import DEFAULT_LOCATIONS
from pipelines.cli.steps.init_questions import NewAccount, ask_for_account
from pipelines.cli.steps.program_name import name_program
from pipelines.configuration import config as configuration
from pipelines.configuration import init_file as config_file
from pipelines.configuration.find import find_demo_config
from pipelines.configuration.yaml_file import parse_value, parse_yaml, read_yaml
from warehouse.store import open_store


def write_account(
    config: str | None,
    provider: str | None,
    values: Mapping[str, Any],
    settings: Sequence[str],
    locations: Mapping[str, str],
    *,
    force: bool,
) -> int:
    """Write a configuration with one account, or add the account to an existing one. Returns the exit code.

    ``values`` are the keys of the account that have an option of their own, ``settings`` other keys as ``KEY=VALUE``.
    ``locations`` are the keys ``landing`` and ``warehouse``, where given.
    """
    path = configuration.config_path(config)
    is_adding = path.exists() and not force
    if is_adding:
        _refuse_locations(path, locations)
        _refuse_known_name(path, str(values.get("name", "")))
    if "warehouse" in locations:
        open_store(locations["warehouse"], path.parent)  # touches no file; refuses an address of no known kind
    values = {**values, **dict(map(_parse_setting, settings))}
    environment = {**configuration.read_env(path.parent), **os.environ}
    set_variables = [name for name, value in environment.items() if value]
    account = ask_for_account(provider, values, set_variables)
    if is_adding:
        text = _render_with_account(path, account.entry)
    else:
        text = config_file.render_config(path.parent, {**DEFAULT_LOCATIONS, **locations}, account.entry)
    configuration.validate_config(path, parse_yaml(text.encode(), path.name), allow_unset_secrets=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    config_file.append_env_variables(path.parent, account.variables)
    config_file.write_config_file(path, text)
    _print_next_steps(path, account, config)
    return 0


def _refuse_locations(path: Path, locations: Mapping[str, str]) -> None:
    """Refuse options that would change an existing file beyond adding an account."""
    if locations:
        keys = " and ".join(locations)
        raise click.UsageError(f"{path.name} exists: change {keys} in it, or replace the file with --force")


def _refuse_known_name(path: Path, name: str) -> None:
    if name in [known for known, _ in configuration.read_account_names(path)]:
        raise click.UsageError(f"{path} has an account {name} already: choose another name, or change it there")


def _parse_setting(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise click.UsageError(f"--set {text}: write KEY=VALUE")
    try:
        return key, parse_value(value)
    except (ValueError, yaml.YAMLError):
        return key, value


def _render_with_account(path: Path, entry: dict[str, Any]) -> str:
    read_yaml(path)  # raises ConfigError with one sentence when the file is not YAML
    text = config_file.append_account(path.read_bytes().decode(), entry)
    if text is None:
        block = config_file.render_account(entry)
        raise ConfigError(
            [f"{path.name}: its accounts are not a list with one key per line; add this account yourself:\n{block}"]
        )
    return text


def _print_next_steps(path: Path, account: NewAccount, config: str | None) -> None:
    entry = account.entry
    click.echo(f"{path} has the account {entry['name']} ({entry['provider']}).", err=True)
    env, gitignore = path.with_name(".env"), path.with_name(".gitignore")
    unset_variables = [name for name, value in account.variables.items() if not value]
    if unset_variables:
        click.echo(f"Set {' and '.join(unset_variables)}, in {env} or in the environment.", err=True)
    if env.is_file() and env.stat().st_mode & 0o077:
        click.echo(f"Other users can read {env}: chmod 600 {shlex.quote(str(env))}", err=True)
    if not (gitignore.is_file() and ".env" in gitignore.read_text("utf-8").split()):
        click.echo(f"Keep the secrets out of git: add .env to {gitignore}.", err=True)
    if config is None and find_demo_config() is not None:
        click.echo(
            f"Commands in this folder use {path.name} from now on, and no longer the demo's configuration.", err=True
        )
    program = f"{name_program()} --config {shlex.quote(config)}" if config else name_program()
    click.echo(f"Next: {program} check, then {program} load.", err=True)
