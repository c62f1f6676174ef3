"""Options that several commands share: the common options, accounts, providers, days, and their completion in a shell.

The common options stand before or after the name of a command; where both are given, the one after it counts.
Completion reads the configuration file as it is, also while it is invalid or its variables are not set. What must not
come in: the use of the options, which is each command's own.
"""

from collections.abc import Callable, Collection, MutableMapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS
from pipelines.cli.logs import LOG_FORMATS, LOG_LEVELS, TEXT, configure_logging
from pipelines.configuration import config as configuration

DAY_TYPE = click.DateTime(["%Y-%m-%d"])

_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(9999, 1, 1)

_COMMON_VALUES = "chatmart.common_options"  # key of the values in the contexts' shared dictionary


def _common_values(ctx: click.Context) -> MutableMapping[str, Any]:
    values: MutableMapping[str, Any] = ctx.meta.setdefault(_COMMON_VALUES, {})
    return values


def _store_common_value(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep the value. After the command's name, only a value that was given replaces an earlier one."""
    is_given = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    if ctx.parent is None or is_given:
        _common_values(ctx)[str(param.name)] = value


_common_option = partial(click.Option, expose_value=False, callback=_store_common_value)

CONFIG_OPTION = _common_option(
    ["--config"],
    metavar="FILE",
    type=click.Path(),
    help="Configuration file (default: $CHATMART_CONFIG, else chatmart.yaml).",
)
COMMON_OPTIONS: tuple[click.Option, ...] = (
    CONFIG_OPTION,
    _common_option(["--verbose"], is_flag=True, help="Log requests, and print the traceback of an error."),
    _common_option(
        ["--log-level"], type=click.Choice(LOG_LEVELS), envvar="CHATMART_LOG_LEVEL", help="Lowest level to log."
    ),
    _common_option(
        ["--log-format"],
        type=click.Choice(LOG_FORMATS),
        envvar="CHATMART_LOG",
        default=TEXT,
        show_default=True,
        help="json: standard error is JSON, one object per line.",
    ),
)
"""The options that every command has, before and after its name."""


def apply_common_options(ctx: click.Context) -> None:
    """Take the values given so far: the path of the configuration becomes ``ctx.obj``, and the log is set up."""
    values = _common_values(ctx)
    ctx.obj = values["config"]
    configure_logging(values["log_format"], "debug" if values["verbose"] else values["log_level"])


class _Command(click.Command):
    """A command that has common options too, in a part of its help of their own."""

    def __init__(self, *arguments: Any, common_options: Sequence[click.Option], **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.common_options = common_options

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, then the common options."""
        return [*super().get_params(ctx), *self.common_options]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with the common options given before and after its name."""
        apply_common_options(ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the common ones."""
        own = [param for param in super().get_params(ctx) if isinstance(param, click.Option)]
        for title, params in (("Options", own), ("Common options, before or after the command", self.common_options)):
            records = [record for param in params if (record := param.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(
    *, common_options: Sequence[click.Option] = COMMON_OPTIONS, **attributes: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """Decorate a function as a command with the common options. ``attributes`` are those of ``click.command``."""
    return click.command(cls=_Command, common_options=common_options, **attributes)


def as_date(value: object) -> date | None:
    """Return the day that an option was given, or None when it was not given.

    Days are limited to 1970-01-02 … 9999-01-01, so that adding or subtracting a day cannot overflow the calendar.
    """
    return min(max(value.date(), _FIRST_DAY), _LAST_DAY) if isinstance(value, datetime) else None


def as_date_range(first: object, last: object) -> tuple[date, date]:
    """Return the days that two options were given; an end that was not given is ``date.min`` or ``date.max``.

    Raises UsageError when the first day is later than the last.
    """
    start, end = as_date(first) or date.min, as_date(last) or date.max
    if start > end:
        raise click.UsageError("--from must not be later than --to")
    return start, end


def _complete_account(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
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
    try:
        return configuration.read_account_names(configuration.find_config(_common_values(ctx).get("config")))
    except ConfigError:
        return []


accounts_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_account,
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
