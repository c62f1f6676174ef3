"""``chatmart check``: what a load needs, a line each, for people or as JSON. What is looked at: ``readiness``."""

import json
import sys
from collections.abc import Sequence

import click
from rich.text import Text

from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.options import accounts_option, providers_option
from pipelines.cli.steps.connection_check import CheckResult, run_checks
from pipelines.cli.steps.open_workspace import open_workspace


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@accounts_option
@providers_option
@click.pass_obj
def check(config: str | None, as_json: bool, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Try out what a load needs: configuration, credentials, disk, warehouse. Exits with 1 when anything fails.

    Each account is asked one small question about yesterday; no export is started, and nothing is written.
    """
    workspace = open_workspace(config, "check")
    found = run_checks(workspace, workspace.config.select_accounts(accounts, providers))
    if as_json:
        click.echo(json.dumps({"ok": _all_ok(found), "checks": [_told(each) for each in found]}, ensure_ascii=False))
    else:
        console = make_console(sys.stdout)
        for each in found:
            console.print(_line(each), soft_wrap=True)
    return 0 if _all_ok(found) else 1


def _all_ok(found: Sequence[CheckResult]) -> bool:
    return all(each.ok for each in found)


def _line(found: CheckResult) -> Text:
    whose = f"{found.account.name} ({found.account.provider}): " if found.account else ""
    advice = f"; {found.advice}" if found.advice else ""
    state = Text("ok    ", "green") if found.ok else Text("failed", "red")
    return state + Text(f"  {found.check:13}  {format_for_terminal(f'{whose}{found.message}{advice}')}")


def _told(found: CheckResult) -> dict[str, object]:
    account = found.account
    return {
        "check": found.check,
        "account": account.name if account else None,
        "provider": account.provider if account else None,
        "ok": found.ok,
        "said": found.message,
        "advice": found.advice or None,
    }
