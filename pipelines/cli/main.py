"""The ``chatmart`` command: its options, its errors as one sentence, its exit codes. Each command has its own module.

0 all loaded; 1 something failed, the rest is loaded; 2 wrong use or configuration; 130 interrupted.
"""

import importlib
import logging
import os
import sys
import traceback
from importlib.metadata import version
from typing import Any

import click

from extractors.errors import ChatmartError, ConfigError
from extractors.redaction import RedactingFilter, redact
from warehouse.errors import QueryError, SetupError, WarehouseError

WRONG_USE = 2
INTERRUPTED = 130

_COMMANDS = {
    "demo": "pipelines.cli.demo",
    "load": "pipelines.cli.loads",
    "backfill": "pipelines.cli.loads",
    "replay": "pipelines.cli.replay",
    "maintain": "pipelines.cli.maintain",
    "sql": "pipelines.cli.sql",
    "status": "pipelines.cli.status",
    "sandbox": "pipelines.cli.servers",
    "dev": "pipelines.cli.servers",
}


class _Lazy(click.Group):
    """Imports a command's module when the command is used: start-up stays light."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        module = _COMMANDS.get(name)
        command: click.Command | None = getattr(importlib.import_module(module), name) if module else None
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="The configuration (default: $CHATMART_CONFIG, else chatmart.yaml).")
@click.option("--verbose", is_flag=True, help="Log requests, and show the trace of an error.")
@click.version_option(version("chatmart"), prog_name="chatmart")
@click.pass_context
def cli(ctx: click.Context, config: str | None, verbose: bool) -> None:
    """Chatbot analytics of many platforms in one star schema."""
    ctx.obj = config
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(RedactingFilter())
    logger = logging.getLogger("chatmart")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR)


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
    if verbose:
        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    _say(str(error) or type(error).__name__)
    return code


def _defect(error: BaseException, verbose: bool) -> None:
    """The last word on what nobody foresaw; python's own would show the trace with whatever secrets stand in it."""
    if verbose:
        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    _say(f"the program failed ({type(error).__name__}: {error}); please report it, with --verbose")


def _say(sentence: str) -> None:
    click.echo(redact(sentence), err=True)
