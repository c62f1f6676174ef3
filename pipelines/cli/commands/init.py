"""``chatmart init``: a configuration from options, or from questions (``asking``). Its text: ``writing``."""

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS, get_provider
from pipelines.cli.options import DAY_TYPE, as_date
from pipelines.cli.steps.init_questions import NewAccount, ask_for_account
from pipelines.configuration import config as configuration
from pipelines.configuration import init_file as config_file
from pipelines.configuration.yaml_file import parse_yaml, read_yaml

DEFAULT_PLACES = {"landing": "data/landing", "warehouse": "duckdb://data/warehouse.duckdb"}

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _id_options(command: CommandT) -> CommandT:
    """An option for each id that some platform must be told."""
    whose: dict[str, list[str]] = {}
    for name in PROVIDERS:
        for key in config_file.required_ids(get_provider(name).account):
            whose.setdefault(key, []).append(name)
    for key, names in reversed(whose.items()):
        flag = f"--{key.replace('_', '-')}"
        command = click.option(flag, key, metavar="ID", help=f"Needed for {' and '.join(names)}.")(command)
    return command


@click.command()
@click.option("--provider", "platform", type=click.Choice(PROVIDERS), help="The account's platform.")
@click.option("--name", metavar="NAME", help="What the account is called in every table.")
@_id_options
@click.option("--timezone", metavar="ZONE", help="Whose calendar days are loaded (default: UTC).")
@click.option("--start-date", type=DAY_TYPE, metavar="D", help="First day that is loaded.")
@click.option("--base-url", metavar="URL", help="Where the platform's API is (default: the platform's own).")
@click.option("--set", "more", multiple=True, metavar="KEY=VALUE", help="Any other key of the account; repeat.")
@click.option("--landing", metavar="FOLDER", help=f"Where answers are kept (default: {DEFAULT_PLACES['landing']}).")
@click.option("--warehouse", metavar="URL", help=f"Where the tables are (default: {DEFAULT_PLACES['warehouse']}).")
@click.option("--force", is_flag=True, help="Write the configuration anew in place of the one that is there.")
@click.pass_obj
def init(
    config: str | None,
    /,
    platform: str | None,
    start_date: object,
    more: Sequence[str],
    force: bool,
    **given: str | None,
) -> int:
    """Write a configuration with one account, or add an account to the one that is there.

    On a terminal it asks for what is missing, and for everything without --provider. Secrets are kept in .env beside
    the file, which keeps all that it holds; in the file stand the names of their variables.
    """
    path = configuration.config_path(config)
    places = {key: value for key in DEFAULT_PLACES if (value := given.pop(key)) is not None}
    adding = path.exists() and not force
    if adding and places:
        raise click.UsageError(f"{path.name} is there: change {' and '.join(places)} in it, or write it anew: --force")
    told = {key: value for key, value in {**given, "start_date": as_date(start_date)}.items() if value is not None}
    environment = {**configuration.read_env(path.parent), **os.environ}
    known = [name for name, value in environment.items() if value]
    answers = ask_for_account(platform, {**told, **dict(map(_pair, more))}, known)
    if adding:
        text = _longer(path, answers.entry)
    else:
        text = config_file.render_config(path.parent, {**DEFAULT_PLACES, **places}, answers.entry)
    configuration.validate_config(path, parse_yaml(text.encode(), path.name), allow_unset_secrets=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    config_file.append_env_variables(path.parent, answers.variables)
    config_file.write_config_file(path, text)
    _say_what_next(path, answers, config)
    return 0


def _pair(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator:
        raise click.UsageError(f"--set {text}: write KEY=VALUE")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        return key, value


def _longer(path: Path, entry: dict[str, Any]) -> str:
    read_yaml(path)  # says in one sentence when it cannot be read
    text = config_file.append_account(path.read_bytes().decode(), entry)
    if text is None:
        block = config_file.render_account(entry)
        raise ConfigError([f"{path.name}: its accounts are not a list with one key a line; write this there:\n{block}"])
    return text


def _say_what_next(path: Path, answers: NewAccount, config: str | None) -> None:
    entry = answers.entry
    click.echo(f"{path} has the account {entry['name']} ({entry['provider']}).", err=True)
    env, ignored = path.with_name(".env"), path.with_name(".gitignore")
    empty = [name for name, value in answers.variables.items() if not value]
    if empty:
        click.echo(f"Set {' and '.join(empty)}, in {env} or in the environment.", err=True)
    if env.is_file() and env.stat().st_mode & 0o077:
        click.echo(f"Others can read {env}: chmod 600 {shlex.quote(str(env))}", err=True)
    if not (ignored.is_file() and ".env" in ignored.read_text("utf-8").split()):
        click.echo(f"The secrets are for nobody else: add .env to {ignored}.", err=True)
    program = f"chatmart --config {shlex.quote(config)}" if config else "chatmart"
    click.echo(f"Then: {program} check, and {program} load.", err=True)
