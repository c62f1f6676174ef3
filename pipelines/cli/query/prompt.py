"""The prompt of ``chatmart sql``: statements of several lines, history, completion, colours, and its own commands.

It is drawn on the terminal even when standard output goes elsewhere, so that a file gets answers only. How answers are
written is the caller's.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import create_output
from pygments.lexers.sql import SqlLexer

from pipelines.cli.query.catalog import Catalog, read_catalog
from pipelines.cli.query.meta_commands import describe_view, list_groups
from pipelines.cli.query.statements import SqlSession, is_complete
from warehouse.errors import WarehouseError
from warehouse.store import Store

_HELP = """\
A statement ends with a semicolon and may take several lines; Ctrl-C clears it, Ctrl-D leaves.
Tab completes names, the arrow keys go through the history.
  .views          the views and books there are        (also \\d)
  .describe NAME  a view's columns, units and meanings  (also \\d NAME)
  .help           this                                  (also \\?)
  .quit           leave                                 (also \\q)"""
_SAME = {"\\d": ".describe", "\\?": ".help", "\\q": ".quit", "quit": ".quit", "exit": ".quit", "help": ".help"}
_WORDS = """
SELECT keyword_name AS word, 'keyword' AS kind FROM duckdb_keywords()
WHERE keyword_category IN ('reserved', 'type_function')
UNION
SELECT function_name, 'function' FROM duckdb_functions() WHERE regexp_full_match(function_name, '[a-z][a-z0-9_]*')
ORDER BY kind DESC, word
"""
_BEFORE_VIEWS = {"from", "join", "describe", "summarize", "table", ".describe", "\\d"}


def run_prompt(store: Store, answer: Callable[[SqlSession, str], None]) -> None:
    """Ask for statements until the end. Raises NothingPublished when there is nothing to ask."""
    catalog = read_catalog(store)
    session = SqlSession(store)
    _say(f"{store.location}\nA statement ends with a semicolon; .views shows what there is to ask, .help the rest.")
    asking: PromptSession[str] = PromptSession(
        "chatmart> ",
        multiline=True,
        prompt_continuation=lambda width, _line, _wrap: "->".rjust(width - 1) + " ",
        lexer=PygmentsLexer(SqlLexer),
        completer=SqlCompleter(catalog, [(row["word"], row["kind"]) for row in store.read(_WORDS).to_pylist()]),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        history=_history(),
        key_bindings=_keys(),
        output=create_output(always_prefer_tty=True),
    )
    while True:
        try:
            text = asking.prompt().strip()
            command, _, argument = text.removesuffix(";").strip().partition(" ")
            command = _SAME.get(command, command)
            if command == ".quit":
                return
            if command.startswith("."):
                _obey(catalog, command, argument.strip())
            elif text:
                answer(session, text)
        except KeyboardInterrupt:  # what was typed so far is dropped, or a question that takes too long
            continue
        except EOFError:
            return
        except (WarehouseError, click.UsageError) as error:
            click.secho(str(error.message if isinstance(error, click.UsageError) else error), err=True, fg="red")


def can_submit(text: str) -> bool:
    """Whether Enter sends the text: a command, nothing at all, or a statement with its semicolon."""
    words = text.strip()
    return not words or words.startswith((".", "\\")) or words in _SAME or is_complete(text)


class SqlCompleter(Completer):
    """Views after ``from`` and ``join``; else columns of the views that the text names, words of the engine, views."""

    def __init__(self, catalog: Catalog, words: Sequence[tuple[str, str]]) -> None:
        self._words = words
        self._columns = {view.name: [column.name for column in view.columns] for view in catalog.views}
        self._views = [view.name for view in catalog.public_views()]

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Every name that begins as the word at the cursor does."""
        word = document.get_word_before_cursor(WORD=True).rpartition("(")[2].rpartition(",")[2]
        before = document.text_before_cursor[: len(document.text_before_cursor) - len(word)].split()
        table, dot, begun = word.rpartition(".")
        for name, kind in self._offered(document.text, table if dot else "", before[-1].lower() if before else ""):
            if name.startswith(begun.lower()) and name != begun:
                yield Completion(name, -len(begun), display_meta=kind)

    def _offered(self, text: str, table: str, previous: str) -> Iterator[tuple[str, str]]:
        if table:
            yield from ((name, table) for name in self._columns.get(table, ()))
            return
        if previous not in _BEFORE_VIEWS:
            named = [view for view in self._columns if view in text.split() or f"{view};" in text] or self._views
            seen: set[str] = set()
            for view in named:
                yield from ((name, "column") for name in self._columns[view] if name not in seen)
                seen.update(self._columns[view])
            yield from (word for word in self._words if word[0] not in seen)
        yield from ((name, "view") for name in self._views)


def _obey(catalog: Catalog, command: str, argument: str) -> None:
    if command == ".help":
        _say(_HELP)
    elif command in (".views", ".describe") and not argument:
        list_groups(catalog, sys.stdout)
    elif command == ".describe":
        describe_view(catalog, argument, "table", sys.stdout)
    else:
        _say(f"there is no command {command}; .help shows those there are")


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def whole() -> bool:
        from prompt_toolkit.application import get_app

        return can_submit(get_app().current_buffer.text)

    @keys.add("enter", filter=whole)
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys


def _history() -> History:
    path = Path(click.get_app_dir("chatmart")) / "sql_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # questions name people
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _say(text: str) -> None:
    click.echo(text, err=True)
