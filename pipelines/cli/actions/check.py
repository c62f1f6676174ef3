"""The work of ``chatmart check``: print the results of the checks before a load, as text or JSON.

What must not come in: the checks themselves, which are in ``steps.connection_check``.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress

import click
from rich.text import Text

from extractors.errors import ConfigError
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import dump_json, format_for_terminal
from pipelines.cli.steps.check_result import CheckResult
from pipelines.cli.steps.connection_check import run_checks
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.stopped_sandbox import warn_about_stopped_sandbox


def check_accounts(
    config: str | None,
    as_json: bool,
    accounts: Sequence[str],
    providers: Sequence[str],
    *,
    tries_webhook: bool = False,
) -> int:
    """Run the checks, and print their results. Returns the exit code: 1 when one failed."""
    try:
        workspace = open_workspace(config, "check", allow_unset_credentials=True)
    except ConfigError:  # where only secrets are missing, disk and warehouse can be checked
        with suppress(ConfigError):
            _print_results(run_checks(open_workspace(config, "check", needs_secrets=False), ()), as_json)
        raise
    chosen = workspace.config.select_accounts(accounts, providers)
    warn_about_stopped_sandbox(workspace.config)
    results = run_checks(workspace, chosen, tries_webhook=tries_webhook)
    return _print_results(results, as_json)


def _print_results(results: Sequence[CheckResult], as_json: bool) -> int:
    """Print the results. Returns the exit code."""
    is_ok = all(result.ok for result in results)
    if as_json:
        click.echo(dump_json({"ok": is_ok, "checks": list(map(_as_object, results))}))
    else:
        console = make_console(sys.stdout)
        for result in results:
            console.print(_format_line(result), soft_wrap=True)
    return 0 if is_ok else 1


def _format_line(result: CheckResult) -> Text:
    account = f"{result.account.name} ({result.account.provider}): " if result.account else ""
    advice = f"; {result.advice}" if result.advice else ""
    state = Text("ok    ", "green") if result.ok else Text("failed", "red")
    if result.is_warning:
        state = Text("warn  ", "yellow")
    return state + Text(f"  {result.check:13}  {format_for_terminal(f'{account}{result.message}{advice}')}")


def _as_object(result: CheckResult) -> dict[str, object]:
    account = result.account
    return {
        "check": result.check,
        "account": account.name if account else None,
        "provider": account.provider if account else None,
        "ok": result.ok,
        "said": result.message,
        "advice": result.advice or None,
        "warning": result.is_warning,
    }
