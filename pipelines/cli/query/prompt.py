"""The prompt of ``chatmart sql``: statements of several lines, history, completion, and colours.

It is drawn on the terminal even when standard output is redirected, so that a file gets results only. Its own commands
are in ``prompt_commands``.
"""

from collections.abc import Iterator, Sequence
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

from extractors.foreign_text import clean_lines
from pipelines.cli.query.catalog import Catalog, read_catalog
from pipelines.cli.query.prompt_commands import ALIASES, PromptCommands
from pipelines.cli.query.results import OutputOptions
from pipelines.cli.query.statements import SqlSession, is_complete
from warehouse.errors import WarehouseError
from warehouse.store import Store

_OUTDATED = "A load has published a newer warehouse; this session goes on with the older one. .reopen opens the newer."
_WORDS_QUERY = """
SELECT keyword_name AS word, 'keyword' AS kind FROM duckdb_keywords()
WHERE keyword_category IN ('reserved', 'type_function')
UNION
SELECT function_name, 'function' FROM duckdb_functions() WHERE regexp_full_match(function_name, '[a-z][a-z0-9_]*')
ORDER BY kind DESC, word
"""
_WORDS_BEFORE_VIEWS = {"from", "join", "describe", "summarize", "table", ".describe", "\\d"}


def run_prompt(store: Store, output: OutputOptions) -> None:
    """Read statements and commands until the user quits. Results are written as ``output`` says, until a command does.

    Mistakes in a statement are printed, and the prompt goes on. Raises NothingPublished before the first publication.
    """
    catalog = read_catalog(store)
    commands = PromptCommands(catalog, output)
    _print_note(f"{store.address}\nA statement ends with a semicolon. .views lists the views, .help all commands.")
    prompt: PromptSession[str] = PromptSession(
        "chatmart> ",
        multiline=True,
        prompt_continuation=lambda width, _line, _wrap: "->".rjust(width - 1) + " ",
        lexer=PygmentsLexer(SqlLexer),
        completer=SqlCompleter(catalog, [(row["word"], row["kind"]) for row in store.read(_WORDS_QUERY).to_pylist()]),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        history=_open_history(),
        key_bindings=_bind_keys(),
        output=create_output(always_prefer_tty=True),
    )
    while True:
        with SqlSession.open(store) as session:
            if not _run_session(session, commands, prompt):
                return


def _run_session(session: SqlSession, commands: PromptCommands, prompt: PromptSession[str]) -> bool:
    """Read statements and commands for one session. Return whether the user wants another, False to quit."""
    is_noted = False
    while True:
        try:
            text = prompt.prompt().strip()
            command, _, argument = text.removesuffix(";").strip().partition(" ")
            command = ALIASES.get(command, command)
            if command in (".quit", ".reopen"):
                return command == ".reopen"
            if session.is_outdated and not is_noted:
                _print_note(_OUTDATED)
                is_noted = True
            if command.startswith("."):
                commands.run(command, argument.strip())
            elif text:
                commands.output.write_results(session, text)
        except KeyboardInterrupt:  # Ctrl-C drops the typed text, or stops a running statement
            continue
        except EOFError:
            return False
        except (WarehouseError, click.UsageError, OSError) as error:
            is_noted = False  # the cause may be a file of a lake that was superseded long ago
            sentence = str(error.message if isinstance(error, click.UsageError) else error)
            click.secho(clean_lines(sentence), err=True, fg="red")


def can_submit(text: str) -> bool:
    """Return whether Enter sends the text: a command, an empty text, or a statement with its semicolon."""
    stripped = text.strip()
    return not stripped or stripped.startswith((".", "\\")) or stripped in ALIASES or is_complete(text)


class SqlCompleter(Completer):
    """Completes names: views after ``from`` and ``join``; elsewhere columns, words of the engine, then views.

    Columns are those of the views that the text names, or of all views while it names none.
    """

    def __init__(self, catalog: Catalog, words: Sequence[tuple[str, str]]) -> None:
        self._words = words
        self._columns = {view.name: [column.name for column in view.columns] for view in catalog.views}
        self._views = [view.name for view in catalog.public_views()]

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield every name that begins with the word at the cursor."""
        word = document.get_word_before_cursor(WORD=True).rpartition("(")[2].rpartition(",")[2]
        before = document.text_before_cursor[: len(document.text_before_cursor) - len(word)].split()
        table, dot, prefix = word.rpartition(".")
        for name, kind in self._candidates(document.text, table if dot else "", before[-1].lower() if before else ""):
            if name.startswith(prefix.lower()) and name != prefix:
                yield Completion(name, -len(prefix), display_meta=kind)

    def _candidates(self, text: str, table: str, previous: str) -> Iterator[tuple[str, str]]:
        if table:
            yield from ((name, table) for name in self._columns.get(table, ()))
            return
        if previous not in _WORDS_BEFORE_VIEWS:
            views = [view for view in self._columns if view in text.split() or f"{view};" in text] or self._views
            seen: set[str] = set()
            for view in views:
                yield from ((name, "column") for name in self._columns[view] if name not in seen)
                seen.update(self._columns[view])
            yield from (word for word in self._words if word[0] not in seen)
        yield from ((name, "view") for name in self._views)


def _bind_keys() -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def is_sendable() -> bool:
        from prompt_toolkit.application import get_app

        return can_submit(get_app().current_buffer.text)

    @keys.add("enter", filter=is_sendable)
    def _send_text(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys


def _open_history() -> History:
    path = Path(click.get_app_dir("chatmart")) / "sql_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # only for its owner: queries may name people
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _print_note(text: str) -> None:
    click.echo(text, err=True)
