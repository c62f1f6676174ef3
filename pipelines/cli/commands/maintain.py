"""``chatmart maintain``."""

import click

from pipelines.cli.common_options import command


@command()
@click.pass_obj
def maintain(config: str | None) -> int:
    """Merge what was landed in past months, delete what retention does not keep, and staged files of killed runs."""
    from pipelines.cli.actions.maintain import prune

    return prune(config)
