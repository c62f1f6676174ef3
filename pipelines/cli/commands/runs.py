"""``chatmart runs``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import accounts_option, providers_option

DEFAULT_LIMIT = 20


@command()
@click.argument("run", required=False)
@click.option(
    "--limit", type=click.IntRange(min=1), default=DEFAULT_LIMIT, show_default=True, help="Most runs to list."
)
@click.option("--json", "as_json", is_flag=True, help="Print the runs, or the accounts of one run, as JSON.")
@accounts_option
@providers_option
@click.pass_obj
def runs(
    config: str | None, run: str | None, limit: int, as_json: bool, accounts: Sequence[str], providers: Sequence[str]
) -> int:
    """List the runs, newest first; with RUN, the work and the cost of one run for each account.

    RUN is the id of a run, or its beginning, or `last`. Reads the published warehouse.
    """
    from pipelines.cli.actions.runs import print_run, print_runs

    if run is not None:
        return print_run(config, run, as_json, accounts, providers)
    return print_runs(config, limit, as_json, accounts, providers)
