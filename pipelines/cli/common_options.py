"""The common options, which every command has before and after its name: the configuration, and the log.

Where an option is given in both places, the one after the name counts. What must not come in: anything that is slow to
import, since the help needs this module.
"""

from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import click
from click.core import ParameterSource

from pipelines.cli.logs import LOG_FORMATS, LOG_LEVELS, TEXT, configure_logging
from pipelines.cli.option_types import NameChoice

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
        ["--log-level"], type=NameChoice(LOG_LEVELS), envvar="CHATMART_LOG_LEVEL", help="Lowest level to log."
    ),
    _common_option(
        ["--log-format"],
        type=NameChoice(LOG_FORMATS),
        envvar="CHATMART_LOG",
        default=TEXT,
        show_default=True,
        help="json: standard error is JSON, one object per line.",
    ),
)
"""The options that every command has, before and after its name."""


def read_config_option(ctx: click.Context) -> str | None:
    """Return the path of the configuration as the option names it, before or after the command's name."""
    config: str | None = _common_values(ctx).get("config")
    return config


def apply_common_options(ctx: click.Context) -> None:
    """Take the values given so far: the path of the configuration becomes ``ctx.obj``, and the log is set up."""
    values = _common_values(ctx)
    ctx.obj = read_config_option(ctx)
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
