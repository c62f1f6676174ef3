"""Options that several commands share: which accounts, which day. What is done with them is the commands' own.

Values are completed from the configuration as it stands, also while it is wrong or its variables are not set.
"""

from collections.abc import Collection
from datetime import date, datetime

import click
from click.shell_completion import CompletionItem

from extractors.errors import ConfigError
from extractors.registry import PROVIDERS
from pipelines.configuration import config as configuration

DAY_TYPE = click.DateTime(["%Y-%m-%d"])

_EPOCH, _END = date(1970, 1, 2), date(9999, 1, 1)


def as_date(value: object) -> date | None:
    """The day that an option was given, None when it was not."""
    # the far ends of the calendar have no day before or after them, and no chats either
    return min(max(value.date(), _EPOCH), _END) if isinstance(value, datetime) else None


def _complete_account(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    given = _given(ctx, "accounts")
    providers = _given(ctx, "providers") or PROVIDERS
    return [
        CompletionItem(name, help=provider)
        for name, provider in _configured(ctx)
        if name.startswith(incomplete) and name not in given and provider in providers
    ]


def _complete_provider(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    configured = {provider for _, provider in _configured(ctx)}
    return [
        CompletionItem(name)
        for name in PROVIDERS
        if name.startswith(incomplete) and name in (configured or PROVIDERS) and name not in _given(ctx, "providers")
    ]


def _given(ctx: click.Context, name: str) -> Collection[str]:
    return ctx.params.get(name) or ()


def _configured(ctx: click.Context) -> list[tuple[str, str]]:
    try:
        return configuration.read_account_names(configuration.find_config(ctx.find_root().params.get("config")))
    except ConfigError:
        return []


accounts_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_account,
    help="Only this account; repeat.",
)
providers_option = click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_provider,
    help="Only this provider; repeat.",
)
