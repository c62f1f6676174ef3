"""``chatmart sql``: a question to the published warehouse, or a prompt. Rendering of answers: ``rendering``."""

import sys
from pathlib import Path

import click

from pipelines import config as configuration
from pipelines.cli.progress import console
from pipelines.cli.rendering import FORMATS, write
from pipelines.workspace import Workspace
from warehouse.errors import WarehouseError
from warehouse.stores import Store


@click.command()
@click.argument("query", required=False)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True)
@click.pass_obj
def sql(config: str | None, query: str | None, form: str) -> int:
    """Ask the warehouse in SQL: a query, a .sql file, standard input, or (on a terminal) a prompt."""
    store = Workspace.open(configuration.load(configuration.find(config))).store
    if query is None and sys.stdin.isatty():
        return _prompt(store, form)
    text = sys.stdin.read() if query in (None, "-") else _text(query or "")
    if not text.strip():
        raise click.UsageError("the query is empty")
    write(store.read(text), form, sys.stdout)
    return 0


def _text(query: str) -> str:
    if query.endswith(".sql"):
        path = Path(query)
        if not path.is_file():
            raise click.UsageError(f"there is no file {query}")
        return path.read_text("utf-8")
    return query


def _prompt(store: Store, form: str) -> int:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory

    history = Path(click.get_app_dir("chatmart")) / "sql_history"
    history.parent.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(history=FileHistory(str(history)))
    console.print(f"{store.location} — one statement a line, Ctrl-D ends", highlight=False)
    while True:
        try:
            query = session.prompt("chatmart> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if not query:
            continue
        try:
            write(store.read(query), form, sys.stdout)
        except WarehouseError as error:
            console.print(str(error), style="red", markup=False)
