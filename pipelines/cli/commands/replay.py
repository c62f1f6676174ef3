"""``chatmart replay``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date_range, providers_option


@command()
@click.option("--from", "first", type=DAY_TYPE, metavar="D", help="First day (default: the first landed day).")
@click.option("--to", "last", type=DAY_TYPE, metavar="D", help="Last day, included (default: the last landed day).")
@accounts_option
@providers_option
@click.pass_obj
def replay(config: str | None, first: object, last: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load all landed responses again: after a change of a conforming map or a parser, or when the warehouse is lost.

    Sends no request. Rebuilds the log of restatements from the responses too.
    """
    days = as_date_range(first, last)
    from pipelines.cli.actions.replay import replay_days

    return replay_days(config, days, accounts, providers)
