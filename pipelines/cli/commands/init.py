"""``chatmart init``. Its options for ids are those of the providers' account models."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from extractors.registry import PROVIDERS
from pipelines.cli.common_options import command
from pipelines.cli.option_types import NameChoice
from pipelines.cli.options import DAY_TYPE, DEFAULT_LOCATIONS, as_date
from pipelines.configuration.schema_file import read_required_ids

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _id_options(command: CommandT) -> CommandT:
    """Add an option for each id that a provider requires.

    The ids are read from the schema file: to import the models of all providers would take 0.3 s, also for the help.
    """
    required_ids = read_required_ids()
    providers_by_id: dict[str, list[str]] = {}
    for name in PROVIDERS:
        for key in required_ids.get(name, ()):
            providers_by_id.setdefault(key, []).append(name)
    for key, names in reversed(providers_by_id.items()):
        flag = f"--{key.replace('_', '-')}"
        command = click.option(flag, key, metavar="ID", help=f"Required for {' and '.join(names)}.")(command)
    return command


@command()
@click.option("--provider", type=NameChoice(PROVIDERS), help="The account's provider.")
@click.option("--name", metavar="NAME", help="Name of the account, in every table.")
@_id_options
@click.option("--timezone", metavar="ZONE", help="Time zone of the account's days (default: UTC).")
@click.option("--start-date", type=DAY_TYPE, metavar="D", help="First day to load.")
@click.option("--base-url", metavar="URL", help="Address of the API (default: the provider's own).")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other key of the account. May be repeated."
)
@click.option(
    "--landing", metavar="FOLDER", help=f"Folder for landed responses (default: {DEFAULT_LOCATIONS['landing']})."
)
@click.option(
    "--warehouse", metavar="URL", help=f"Address of the warehouse (default: {DEFAULT_LOCATIONS['warehouse']})."
)
@click.option("--force", is_flag=True, help="Replace the existing configuration.")
@click.pass_obj
def init(
    config: str | None,
    /,
    provider: str | None,
    start_date: object,
    settings: Sequence[str],
    force: bool,
    **options: str | None,
) -> int:
    """Write a configuration with one account, or add an account to an existing configuration.

    On a terminal, prompts for missing values; without --provider, for all values. Writes secrets to .env beside the
    file, and keeps the other lines of .env. The configuration holds only the names of the secrets' variables.
    """
    from pipelines.cli.actions.init import write_account

    locations = {key: value for key in DEFAULT_LOCATIONS if (value := options.pop(key)) is not None}
    values: dict[str, Any] = {**options, "start_date": as_date(start_date)}
    given_values = {key: value for key, value in values.items() if value is not None}
    return write_account(config, provider, given_values, settings, locations, force=force)
