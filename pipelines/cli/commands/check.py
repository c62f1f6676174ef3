"""``chatmart check``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import accounts_option, providers_option


@command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@accounts_option
@providers_option
@click.pass_obj
def check(config: str | None, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Check configuration, credentials, disk and warehouse before a load. Exits with 1 when a check fails.

    Sends one small request per account, about yesterday. Starts no export and writes nothing.
    """
    from pipelines.cli.actions.check import check_accounts

    return check_accounts(config, as_json, accounts, providers)
