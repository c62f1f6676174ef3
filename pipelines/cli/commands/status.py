"""``chatmart status``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import accounts_option, providers_option


@command()
@click.option("--json", "as_json", is_flag=True, help="Print every day with its state, as JSON.")
@accounts_option
@providers_option
@click.pass_obj
def status(config: str | None, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Show which days of each account are loaded, settled, stale, failed or missing; errors, differences and drift.

    Reads the published warehouse. Exits with 0 whatever the states are.
    """
    from pipelines.cli.actions.status import print_status

    return print_status(config, as_json, accounts, providers)
