"""The work of ``chatmart show`` and ``chatmart forget``: print what is held of a person, or remove it.

What must not come in: where personal data is (``pipelines.loads.personal_data``), how it is removed
(``pipelines.loads.forget``).
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
import pyarrow as pa

from extractors.redaction import register_secrets
from pipelines.cli.display.output import print_message
from pipelines.cli.display.tables import TableStyle, draw_table
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.forget import forget_person
from pipelines.loads.personal_data import HeldData, find_person


def show_person(config: str | None, user_id: str, as_json: bool, accounts: Sequence[str]) -> int:
    """Print what is held of a person. Returns the exit code."""
    user_id = _read_user_id(user_id)
    workspace = open_workspace(config, "show")
    selected = workspace.config.select_accounts(accounts)
    with _say_what_is_damaged():
        held = find_person(workspace, selected, user_id)
    if as_json:
        rows = [{**vars(data), "first": _as_text(data.first), "last": _as_text(data.last)} for data in held]
        click.echo(json.dumps({"held": rows}, ensure_ascii=False))
        return 0
    if held:
        draw_table(pa.Table.from_pylist(list(map(_as_row, held))), sys.stdout, TableStyle.for_output(sys.stdout))
    batches = sorted({batch for data in held for batch in data.batches})
    for batch in batches:
        click.echo(f"landed batch {batch}")
    names = ", ".join(account.name for account in selected)
    if not held:
        print_message(f"nothing is held of this person in {names}")
    return 0


def forget_user(config: str | None, user_id: str, account_name: str) -> int:
    """Forget a person in one account, and print the proof. Returns the exit code: 1 when the id still stands."""
    user_id = _read_user_id(user_id)
    register_secrets(user_id)  # no message and no log names who was forgotten
    workspace = open_workspace(config, "forget")
    [account] = workspace.config.select_accounts([account_name])
    with _say_what_is_damaged():
        forgetting = forget_person(workspace, account, user_id)
    proof = forgetting.proof
    print_message(
        f"{account.name}: forgotten, request {proof.request_id}: {proof.records:,} records in {proof.responses:,} "
        f"landed responses of {len(proof.batches):,} batches, {proof.rows:,} rows of the warehouse",
        account=account.name,
        request_id=proof.request_id,
        records=proof.records,
        responses=proof.responses,
        rows=proof.rows,
    )
    if forgetting.remaining_streams:
        print_message(
            f"{account.name}: the id still stands in landed responses of {', '.join(forgetting.remaining_streams)}, in "
            "fields that hold no personal data by their meaning; `chatmart show` lists the batches",
            style="yellow",
        )
        return 1
    return 0


@contextmanager
def _say_what_is_damaged() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        advice = "the person may be in it; fetch its days again with `chatmart backfill --refetch`, then run this again"
        raise click.ClickException(f"{error}; {advice}") from error


def _read_user_id(user_id: str) -> str:
    """Return the id, read from standard input when it is ``-``: arguments of a process can be seen by others."""
    text = sys.stdin.readline().rstrip("\r\n") if user_id == "-" else user_id
    if not text.strip():
        raise click.UsageError("the user's id is empty")
    return text


def _as_row(data: HeldData) -> dict[str, object]:
    return {
        "account": data.account,
        "where": data.where,
        "table": data.table,
        "columns": ", ".join(data.columns),
        "rows": data.rows,
        "first": data.first,
        "last": data.last,
        "batches": len(data.batches),
    }


def _as_text(day: object) -> str | None:
    return None if day is None else str(day)
