"""``chatmart completion``: print the script that lets a shell complete commands, options, accounts and providers."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from pipelines.cli.common_options import command
from pipelines.cli.option_types import NameChoice

_INSTALLATION = """\b
bash, in ~/.bashrc:  eval "$(chatmart completion bash)"
zsh, in ~/.zshrc:    eval "$(chatmart completion zsh)"
fish:                chatmart completion fish > ~/.config/fish/completions/chatmart.fish
"""
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@command(epilog=_INSTALLATION)
@click.argument("shell", type=NameChoice(list(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script for a shell. It completes the configured accounts and providers too."""
    click.echo(_SHELLS[shell](ctx.find_root().command, {}, "chatmart", "_CHATMART_COMPLETE").source())
    return 0
