"""Options that several commands share: accounts, providers, days, and their completion in a shell.

Completion reads the configuration file as it is, also while it is invalid or its variables are not set. What must not
come in: the use of the options, which is each command's own, and anything that is slow to import.
"""

from collections.abc import Collection
from datetime import date, datetime

import click
from click.shell_completion import CompletionItem

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS
from pipelines.cli.common_options import read_config_option
from pipelines.cli.option_types import DayType

DAY_TYPE = DayType()
OUTPUT_FORMATS = ("table", "csv", "json", "parquet", "xlsx")
"""Formats of a query's result, which are also endings of files. ``display.formats`` writes them."""

DEFAULT_LOCATIONS = {"landing": "data/landing", "warehouse": "duckdb://data/warehouse.duckdb"}
"""The keys of a new configuration that say where data goes."""

SANDBOX_PORTS = (8600, 8601)
"""Ports of APIs and downloads: where ``chatmart sandbox`` listens, so that the demo's configuration works with it."""

_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(9999, 1, 1)


def as_date(value: object) -> date | None:
    """Return the day that an option was given, or None when it was not given.

    Days are limited to 1970-01-02 … 9999-01-01, so that adding or subtracting a day cannot overflow the calendar.
    """
    return min(max(value.date(), _FIRST_DAY), _LAST_DAY) if isinstance(value, datetime) else None


def refuse_early_days(*values: object) -> None:
    """Raise UsageError for a day that cannot be loaded, as it lies before ``as_date``'s first one."""
    for value in values:
        if isinstance(value, datetime) and value.date() < _FIRST_DAY:
            raise click.UsageError(f"{value:%Y-%m-%d} cannot be loaded: days before {_FIRST_DAY} are not")


def as_date_range(first: object, last: object) -> tuple[date, date]:
    """Return the days that two options were given; an end that was not given is ``date.min`` or ``date.max``.

    Raises UsageError when the first day is later than the last.
    """
    start, end = as_date(first) or date.min, as_date(last) or date.max
    if start > end:
        raise click.UsageError("--from must not be later than --to")
    return start, end


def complete_account(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the configured accounts that begin with ``incomplete``, without those that were chosen."""
    chosen_names = _chosen_values(ctx, "accounts")
    providers = _chosen_values(ctx, "providers") or PROVIDERS
    return [
        CompletionItem(name, help=provider)
        for name, provider in _configured_accounts(ctx)
        if name.startswith(incomplete) and name not in chosen_names and provider in providers
    ]


def _complete_provider(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    chosen_names = _chosen_values(ctx, "providers")
    offered_names = {provider for _, provider in _configured_accounts(ctx)} or PROVIDERS
    return [
        CompletionItem(name)
        for name in PROVIDERS
        if name.startswith(incomplete) and name in offered_names and name not in chosen_names
    ]


def _chosen_values(ctx: click.Context, option: str) -> Collection[str]:
    return ctx.params.get(option) or ()


def _configured_accounts(ctx: click.Context) -> list[tuple[str, str]]:
    """Return name and provider of each configured account; none when the file is missing or unreadable."""
    from pipelines.configuration.account_entries import read_account_names
    from pipelines.configuration.find import find_config

    try:
        return read_account_names(find_config(read_config_option(ctx)))
    except ConfigError:
        return []


accounts_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_account,
    help="Only this account. May be repeated.",
)
providers_option = click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_provider,
    help="Only this provider. May be repeated.",
)
