"""``chatmart check``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import accounts_option, providers_option


@command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--webhook", is_flag=True, help="Also send a message that says it is a test to the webhook of alerts.")
@click.option("--repair", is_flag=True, help="Find what is damaged or missing, and mend it.")
@click.option("--take-over", is_flag=True, help="Write what machines share under these locks. Checks nothing.")
@accounts_option
@providers_option
@click.pass_obj
def check(
    config: str | None,
    as_json: bool,
    webhook: bool,
    repair: bool,
    take_over: bool,
    accounts: Sequence[str],
    providers: Sequence[str],
) -> int:
    """Check configuration, credentials, disk and warehouse before a load. Exits with 1 when a check fails.

    Sends one small request per account, about yesterday. Starts no export and writes nothing. A warehouse of up to 256
    MiB is read whole, so that damage of any of its files is found.

    With --repair it reads the whole warehouse and the newest responses instead. Damaged files are set aside, days that
    were landed and are not loaded are loaded, days whose responses cannot be read are fetched again. Exits with 0 when
    all is whole or mended, with 1 when something is not.

    With --take-over a landing zone s3:// and a warehouse delta+s3:// that another machine wrote, or that were written
    under locks in another database, are written under the locks of this configuration from now on. The others are
    refused then.
    """
    if take_over:
        _refuse_others(as_json, webhook, repair, accounts, providers)
        from pipelines.cli.actions.take_over import take_over_shared

        return take_over_shared(config)
    if repair:
        _refuse_with_repair(as_json or webhook)
        from pipelines.cli.actions.repair import repair_accounts

        return repair_accounts(config, accounts, providers)
    from pipelines.cli.actions.check import check_accounts

    return check_accounts(config, as_json, accounts, providers, tries_webhook=webhook)


def _refuse_with_repair(is_given: bool) -> None:
    if is_given:
        raise click.UsageError("--repair takes neither --json nor --webhook")


def _refuse_others(*values: object) -> None:
    if any(values):
        raise click.UsageError("--take-over takes no other option")
