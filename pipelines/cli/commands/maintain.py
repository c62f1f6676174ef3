"""``chatmart maintain``."""

import click

from pipelines.cli.common_options import command


@command()
@click.pass_obj
def maintain(config: str | None) -> int:
    """Delete replaced responses that retention does not keep, and staged files of killed runs."""
    from pipelines.cli.actions.maintain import prune

    return prune(config)
