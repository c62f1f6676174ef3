"""The ``chatmart`` command: the list of commands, global options, errors as one sentence, exit codes.

0: all loaded. 1: something failed, the rest is loaded. 2: wrong use or configuration. 130: interrupted. 143:
terminated. What must not come in: the work of a command; each command has its own module in ``commands``.
"""

import importlib
import logging
import os
import sys
import traceback
from contextlib import suppress
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from extractors.errors import ChatmartError, ConfigError
from extractors.foreign_text import clean_lines
from extractors.similar_names import suggest
from pipelines.cli.common_options import COMMON_OPTIONS, apply_common_options
from pipelines.cli.logs import is_json_log
from pipelines.cli.startup import leave_out_unused_libraries
from pipelines.cli.streams import prepare_streams
from warehouse.errors import QueryError, SetupError, WarehouseError

WRONG_USE = 2
INTERRUPTED = 130


class _CommandEntry(NamedTuple):
    """The module of a command, and its line in the list of commands. The command's own help is longer."""

    module: str
    short_help: str


_COMMANDS = {
    "demo": _CommandEntry("demo", "Load 60 days of seven invented accounts, to see it work."),
    "init": _CommandEntry("init", "Write a configuration, or add an account to it."),
    "check": _CommandEntry("check", "Check credentials, disk and warehouse before a load."),
    "load": _CommandEntry("load", "Run the daily load, with the days it missed."),
    "backfill": _CommandEntry("load", "Load a range of days. Resumes where it stopped."),
    "replay": _CommandEntry("replay", "Load all landed responses again, without a request."),
    "maintain": _CommandEntry("maintain", "Delete landed responses that retention does not keep."),
    "show": _CommandEntry("privacy", "Show what is held of a person."),
    "forget": _CommandEntry("privacy", "Remove a person from everything that is kept."),
    "sql": _CommandEntry("sql", "Query the warehouse, once or at a prompt."),
    "views": _CommandEntry("views", "Print the views in another engine's SQL."),
    "status": _CommandEntry("status", "Show which days of each account are loaded."),
    "runs": _CommandEntry("runs", "List the runs, or show the cost of one."),
    "export": _CommandEntry("export", "Write files that bring the warehouse into dbt or Superset."),
    "report": _CommandEntry("report", "Write a page of charts and figures."),
    "sandbox": _CommandEntry("servers", "Simulate the five providers until interrupted."),
    "dev": _CommandEntry("servers", "Start Dagster's UI and daemon."),
    "completion": _CommandEntry("completion", "Print the completion script for a shell."),
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used, so that help and start-up stay quick."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"pipelines.cli.commands.{_COMMANDS[name].module}"), name
        )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names. Fails with the nearest names where there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS and not ctx.resilient_parsing:
            near = suggest(args[0], _COMMANDS)
            ctx.fail(f"there is no command {args[0]!r}{near or '; `chatmart --help` lists them'}")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands. Click's own version imports every command for its first line of help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return commands and global options that begin with ``incomplete``, without importing a command."""
        commands = [
            CompletionItem(name, help=entry.short_help)
            for name, entry in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=_LazyGroup, params=list(COMMON_OPTIONS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chatmart", prog_name="chatmart")  # the version is looked up when it is asked for
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Load the analytics of many chatbot providers into one star schema."""
    apply_common_options(ctx)


def main(arguments: list[str] | None = None) -> None:
    """Run the command with these arguments (default: the process's own), then exit with its code."""
    prepare_streams()
    if arguments is None:
        leave_out_unused_libraries()
    words = sys.argv[1:] if arguments is None else arguments
    verbose = "--verbose" in words
    sys.excepthook = lambda _kind, error, _traceback: _report_defect(error, verbose)
    try:
        code: Any = cli.main(words, prog_name="chatmart", standalone_mode=False)
        sys.stdout.flush()  # flush inside the try: a reader that closed the pipe is no error
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        if is_json_log():
            _print_error(error.format_message())
        else:
            error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _print_error("interrupted; committed days stay loaded; run the same command again to continue")
        code = INTERRUPTED
    except BrokenPipeError:  # the reader closed the pipe, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except SystemExit:  # no command raises it; click does when the reader closed the pipe
        code = 0
    except (ConfigError, SetupError, QueryError) as error:
        _report_error(error, verbose)
        code = WRONG_USE
    except (ChatmartError, WarehouseError) as error:
        _report_error(error, verbose)
        code = 1
    except OSError as error:
        from warehouse.disk_failures import describe_os_error  # imported late: it imports the engine

        _report_error(error, verbose, describe_os_error(error))
        code = 1
    code = code if isinstance(code, int) else 0
    if arguments is None and _is_installed_program():
        _end_process(code)
    sys.exit(code)


def _is_installed_program() -> bool:
    """Return whether this process runs nothing but the command: not a program that calls it, such as a test."""
    program = getattr(sys.modules["__main__"], "__file__", None) or ""
    return os.path.basename(program).partition(".")[0] == "chatmart"  # noqa: PTH119 -- pathlib is slow to import


def _end_process(code: int) -> None:
    """End the process of the command, whose work is done and whose threads and engines are closed.

    Python's own end would also take down the libraries: their idle threads may abort the process then (exit code 134).
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader is gone, or it was closed
            stream.flush()
    logging.shutdown()
    os._exit(code)


def _report_error(error: Exception, verbose: bool, sentence: str = "") -> None:
    _print_traceback(error, verbose)
    _print_error(sentence or str(error) or type(error).__name__)


def _report_defect(error: BaseException, verbose: bool) -> None:
    """Report an unexpected error, redacted. Python's own hook would print a traceback that may hold secrets."""
    _print_traceback(error, verbose)
    _print_error(f"the program failed ({type(error).__name__}: {error}); please report it, with --verbose")


def _print_traceback(error: BaseException, verbose: bool) -> None:
    if verbose and is_json_log():
        logging.getLogger("chatmart.command").debug("traceback of the next error", exc_info=error)
    elif verbose:
        sys.stderr.write(clean_lines("".join(traceback.format_exception(error))))


def _print_error(sentence: str) -> None:
    if is_json_log():
        logging.getLogger("chatmart.command").error("%s", sentence)
    else:
        click.echo(clean_lines(sentence), err=True)
