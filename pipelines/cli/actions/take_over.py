"""The work of ``chatmart check --take-over``: write what machines share under the locks of this configuration.

Who guards it, and how that is noted, is in ``pipelines.loads.lock_owner``.
"""

import click

from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.steps.open_workspace import open_workspace


def take_over_shared(config: str | None) -> int:
    """Take over what machines share, and print what that means. Returns the exit code."""
    workspace = open_workspace(config, "check")
    addresses = workspace.take_over()
    for address in addresses:
        _print(f"{address}: is written under the locks of this configuration; other writers are refused")
    if not addresses:
        _print(f"{workspace.store.address}: there is nothing to take over, as no other machine's locks guard it")
    return 0


def _print(sentence: str) -> None:
    click.echo(format_for_terminal(sentence))
