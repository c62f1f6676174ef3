"""``chatmart load`` and ``chatmart backfill``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, as_date_range, providers_option, refuse_early_days


@command()
@click.option("--date", "day", type=DAY_TYPE, metavar="D", help="Day to load (default: each account's own yesterday).")
@accounts_option
@providers_option
@click.pass_obj
def load(config: str | None, day: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load a day and its look-back. Without --date, also load days of the last weeks that are missing or failed."""
    refuse_early_days(day)
    from pipelines.cli.actions.load import load_daily

    return load_daily(config, as_date(day), accounts, providers)


@command()
@click.option("--from", "first", type=DAY_TYPE, required=True, metavar="D", help="First day.")
@click.option("--to", "last", type=DAY_TYPE, required=True, metavar="D", help="Last day, included.")
@accounts_option
@providers_option
@click.option("--refetch", is_flag=True, help="Fetch again, also settled days and days that were landed before.")
@click.option("--dry-run", is_flag=True, help="Only print the days, batches and least time.")
@click.pass_obj
def backfill(
    config: str | None,
    first: object,
    last: object,
    accounts: Sequence[str],
    providers: Sequence[str],
    refetch: bool,
    dry_run: bool,
) -> int:
    """Load a range of days, newest month first. Run it again to resume where it stopped."""
    refuse_early_days(first, last)
    days = as_date_range(first, last)
    from pipelines.cli.actions.load import load_range

    return load_range(config, days, accounts, providers, refetch=refetch, dry_run=dry_run)
