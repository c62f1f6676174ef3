"""The work of ``chatmart check --take-over``: write a shared warehouse under the locks of this configuration.

Who guards it, and how that is noted, is in ``pipelines.loads.lock_owner``.
"""

import click

from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.steps.open_workspace import open_workspace


def take_over_warehouse(config: str | None) -> int:
    """Take the warehouse over, and print what that means. Returns the exit code."""
    store = open_workspace(config, "check").store
    if store.take_over():
        sentence = f"{store.address}: is written under the locks of this configuration; other writers are refused"
    else:
        sentence = f"{store.address}: there is nothing to take over, as no other machine's locks guard it"
    click.echo(format_for_terminal(sentence))
    return 0
