"""The ``chatmart`` command: its options, its errors as one sentence, its exit codes. Each command has its own module.

0 all loaded; 1 something failed, the rest is loaded; 2 wrong use or configuration; 130 interrupted, 143 terminated.
"""

import importlib
import logging
import os
import sys
import traceback
from importlib.metadata import version
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from extractors.errors import ChatmartError, ConfigError
from extractors.redaction import redact
from pipelines.cli.logs import LOG_FORMATS, LOG_LEVELS, TEXT, configure_logging, is_json_log
from warehouse.errors import QueryError, SetupError, WarehouseError

WRONG_USE = 2
INTERRUPTED = 130


class _Command(NamedTuple):
    """Where a command is, and what is said of it beside the others; its own help says more."""

    module: str
    short: str


_COMMANDS = {
    "demo": _Command("demo", "See it work: 60 days of seven invented accounts."),
    "init": _Command("init", "Write a configuration, or add an account to it."),
    "check": _Command("check", "Try out what a load needs, credentials first."),
    "load": _Command("load", "The daily load, and what was missed."),
    "backfill": _Command("load", "Load a range of days; goes on where it stopped."),
    "replay": _Command("replay", "Load all landed answers again, without a request."),
    "maintain": _Command("maintain", "Delete what retention does not keep."),
    "sql": _Command("sql", "Ask the warehouse, once or at a prompt."),
    "status": _Command("status", "Which days of each account are loaded."),
    "report": _Command("report", "A page of charts and figures."),
    "sandbox": _Command("servers", "The five platforms, simulated, until interrupted."),
    "dev": _Command("servers", "Dagster's UI and daemon."),
    "completion": _Command("completion", "What a shell needs to complete this command."),
}


class _Lazy(click.Group):
    """Imports a command's module when the command is used: help and start-up stay light."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"pipelines.cli.commands.{_COMMANDS[name].module}"), name
        )
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands; click's own would import them all for their first lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.short) for name, each in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and short help, for the same reason."""
        known = _COMMANDS.items()
        names = [CompletionItem(name, help=each.short) for name, each in known if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The configuration (default: $CHATMART_CONFIG, else chatmart.yaml).",
)
@click.option("--verbose", is_flag=True, help="Log requests, and show the trace of an error.")
@click.option("--log-level", type=click.Choice(LOG_LEVELS), envvar="CHATMART_LOG_LEVEL", help="Log from this level on.")
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    envvar="CHATMART_LOG",
    default=TEXT,
    show_default=True,
    help="json: all of standard error is JSON, a line each.",
)
@click.version_option(version("chatmart"), prog_name="chatmart")
@click.pass_context
def cli(ctx: click.Context, config: str | None, verbose: bool, log_level: str | None, log_format: str) -> None:
    """Chatbot analytics of many platforms in one star schema."""
    ctx.obj = config
    configure_logging(log_format, "debug" if verbose else log_level)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    verbose = "--verbose" in given
    sys.excepthook = lambda _kind, error, _trace: _defect(error, verbose)
    try:
        code: Any = cli.main(given, prog_name="chatmart", standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that has gone is no error
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        if is_json_log():
            _say(error.format_message())
        else:
            error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; what was committed stays, and the same command goes on from there")
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        code = 0
    except SystemExit:  # no command raises it: it is click's own way to end when the reader has gone
        code = 0
    except (ConfigError, SetupError, QueryError) as error:
        code = _explain(error, verbose, WRONG_USE)
    except (ChatmartError, WarehouseError, OSError) as error:
        code = _explain(error, verbose, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception, verbose: bool, code: int) -> int:
    _trace(error, verbose)
    _say(str(error) or type(error).__name__)
    return code


def _trace(error: BaseException, verbose: bool) -> None:
    if verbose and is_json_log():
        logging.getLogger("chatmart.command").debug("the trace of what follows", exc_info=error)
    elif verbose:
        sys.stderr.write(redact("".join(traceback.format_exception(error))))


def _defect(error: BaseException, verbose: bool) -> None:
    """The last word on what nobody foresaw; python's own would show the trace with whatever secrets stand in it."""
    _trace(error, verbose)
    _say(f"the program failed ({type(error).__name__}: {error}); please report it, with --verbose")


def _say(sentence: str) -> None:
    if is_json_log():
        logging.getLogger("chatmart.command").error("%s", sentence)
    else:
        click.echo(redact(sentence), err=True)
