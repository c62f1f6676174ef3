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
@click.option("--dry-run", is_flag=True, help="Write nothing: show the numbers that would change, old and new sums.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print all changes as JSON, each member too.")
@click.pass_obj
def replay(
    config: str | None,
    first: object,
    last: object,
    accounts: Sequence[str],
    providers: Sequence[str],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Load all landed responses again: after a change of a conforming map or a parser, or when the warehouse is lost.

    Sends no request. Rebuilds the log of restatements from the responses too. --dry-run reads and transforms the
    responses, and compares them with the published warehouse.
    """
    days = as_date_range(first, last)
    _refuse_json_alone(dry_run, as_json)
    from pipelines.cli.actions.replay import preview_days, replay_days

    if dry_run:
        return preview_days(config, days, accounts, providers, as_json=as_json)
    return replay_days(config, days, accounts, providers)


def _refuse_json_alone(dry_run: bool, as_json: bool) -> None:
    if as_json and not dry_run:
        raise click.UsageError("--json is for --dry-run")
