"""``chatmart show`` and ``chatmart forget``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import accounts_option, complete_account

_user_option = click.option(
    "--user", "user_id", required=True, metavar="ID", help="The user's id, as the provider gives it; - reads it."
)


@command()
@_user_option
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@accounts_option
@click.pass_obj
def show(config: str | None, user_id: str, as_json: bool, accounts: Sequence[str]) -> int:
    """Show what is held of a person: account, table, columns, days and landed batches. Changes nothing.

    Exits with 0 whether anything is held or not.
    """
    from pipelines.cli.actions.privacy import show_person

    return show_person(config, user_id, as_json, accounts)


@command()
@_user_option
@click.option(
    "--account",
    required=True,
    metavar="NAME",
    shell_complete=complete_account,
    help="The account in which the person is forgotten.",
)
@click.pass_obj
def forget(config: str | None, user_id: str, account: str) -> int:
    """Remove a person from the landing zone, the warehouse, what is staged and what is published.

    Sends no request. Every count stays: the person's conversations lose their ids, texts and properties. Neither a
    replay nor another fetch brings the person back. Exits with 1 when the id still stands in other fields.
    """
    from pipelines.cli.actions.privacy import forget_user

    return forget_user(config, user_id, account)
