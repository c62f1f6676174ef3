"""The prompt's own commands: what is in the warehouse, and how results are written. They begin with a dot."""

import sys
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import click

from pipelines.cli.query.catalog import Catalog
from pipelines.cli.query.meta_commands import describe_view, list_groups
from pipelines.cli.query.results import OutputOptions

HELP = """\
A statement ends with a semicolon and may have several lines. Ctrl-C clears it, Ctrl-D quits.
Tab completes names. The arrow keys browse the history.
  .views          list the views and bookkeeping tables                 (also .tables, \\d)
  .describe NAME  show a view's columns, units and meanings             (also \\d NAME)
  .expanded       show each row as lines of a column and its value; again: as a table    (also \\x)
  .rows N         show so many rows of a table; 0 shows all
  .pager on|off   scroll through a table that is larger than the window, or cut it
  .output FILE    write each result to a file, as its ending says (.csv, .json, .parquet, .xlsx, .txt);
                  without FILE: to the terminal                         (also \\o)
  .reopen         open the newest published warehouse; temporary tables and settings go
  .help           show this help                                        (also \\?)
  .quit           quit                                                  (also quit, exit, \\q)"""
ALIASES = {
    ".tables": ".views",
    "\\d": ".describe",
    "\\x": ".expanded",
    "\\o": ".output",
    "\\?": ".help",
    "\\q": ".quit",
    "quit": ".quit",
    "exit": ".quit",
    "help": ".help",
}
"""Other names of commands, those of ``psql`` and of SQLite's shell among them."""

_NAMES = (".views", ".describe", ".expanded", ".rows", ".pager", ".output", ".reopen", ".help", ".quit")


class PromptCommands:
    """Carries out commands. ``output`` is how results are written after them."""

    def __init__(self, catalog: Catalog, output: OutputOptions) -> None:
        self.output = output
        self._catalog = catalog

    def run(self, command: str, argument: str) -> None:
        """Carry out a command. Raises UsageError for an argument that it does not take, QueryError for no such view."""
        if command == ".help":
            _print_note(HELP)
        elif command in (".views", ".describe") and not argument:
            list_groups(self._catalog, sys.stdout)
        elif command == ".describe":
            describe_view(self._catalog, argument, "table", sys.stdout)
        elif command == ".expanded":
            is_expanded = _read_switch(argument, not self.output.is_expanded)
            self.output = replace(self.output, is_expanded=is_expanded)
            _print_note("results are lines of a column and its value" if is_expanded else "results are tables")
        elif command == ".pager":
            is_paged = _read_switch(argument, not self.output.is_paged)
            self.output = replace(self.output, is_paged=is_paged)
            _print_note("large results are scrolled" if is_paged else "large results are cut to the window")
        elif command == ".rows":
            if not argument.isdecimal():
                raise click.UsageError(".rows takes a number, such as .rows 20; .rows 0 shows all rows")
            self.output = replace(self.output, max_rows=int(argument))
            _print_note(f"tables show {f'{int(argument):,}' if int(argument) else 'all'} rows")
        elif command == ".output":
            self.output = self.output.with_file(Path(argument).expanduser() if argument else None)
            _print_note(f"results go to {argument or 'the terminal'}")
        else:
            close = get_close_matches(command, _NAMES, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            _print_note(f"there is no command {command}; {hint}.help lists all commands")


def _read_switch(argument: str, otherwise: bool) -> bool:
    if argument not in ("", "on", "off"):
        raise click.UsageError(f"on or off, not {argument}")
    return otherwise if not argument else argument == "on"


def _print_note(text: str) -> None:
    click.echo(text, err=True)
