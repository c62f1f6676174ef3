"""``chatmart load`` and ``chatmart backfill``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, as_date_range, providers_option, refuse_early_days

if TYPE_CHECKING:  # slow to import
    from pipelines.cli.actions.load import DryRun

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Write nothing: print the days, batches and least time. Sends no request."
)
fetch_option = click.option(
    "--fetch",
    is_flag=True,
    help="With --dry-run: request the days, keep none of it, and show the numbers that would change.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="With --dry-run --fetch: print all changes as JSON.")


def _read_dry_run(dry_run: bool, fetch: bool, as_json: bool) -> "DryRun | None":
    """Return what to print in place of a load; None for a load. Raises UsageError for options that need another."""
    if fetch and not dry_run:
        raise click.UsageError("--fetch is for --dry-run")
    if as_json and not fetch:
        raise click.UsageError("--json is for --dry-run --fetch")
    from pipelines.cli.actions.load import DryRun

    return DryRun(fetch, as_json) if dry_run else None


@command()
@click.option("--date", "day", type=DAY_TYPE, metavar="D", help="Day to load (default: each account's own yesterday).")
@accounts_option
@providers_option
@dry_run_option
@fetch_option
@json_option
@click.pass_obj
def load(
    config: str | None,
    day: object,
    accounts: Sequence[str],
    providers: Sequence[str],
    dry_run: bool,
    fetch: bool,
    as_json: bool,
) -> int:
    """Load a day and its look-back. Without --date, also load days of the last weeks that are missing or failed."""
    refuse_early_days(day)
    preview = _read_dry_run(dry_run, fetch, as_json)
    from pipelines.cli.actions.load import load_daily

    return load_daily(config, as_date(day), accounts, providers, dry_run=preview)


@command()
@click.option("--from", "first", type=DAY_TYPE, required=True, metavar="D", help="First day.")
@click.option("--to", "last", type=DAY_TYPE, required=True, metavar="D", help="Last day, included.")
@accounts_option
@providers_option
@click.option("--refetch", is_flag=True, help="Fetch again, also settled days and days that were landed before.")
@dry_run_option
@fetch_option
@json_option
@click.pass_obj
def backfill(
    config: str | None,
    first: object,
    last: object,
    accounts: Sequence[str],
    providers: Sequence[str],
    refetch: bool,
    dry_run: bool,
    fetch: bool,
    as_json: bool,
) -> int:
    """Load a range of days, newest month first. Run it again to resume where it stopped."""
    refuse_early_days(first, last)
    days = as_date_range(first, last)
    preview = _read_dry_run(dry_run, fetch, as_json)
    from pipelines.cli.actions.load import load_range

    return load_range(config, days, accounts, providers, refetch=refetch, dry_run=preview)
