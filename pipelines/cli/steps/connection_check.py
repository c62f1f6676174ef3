"""Checks before a load: configuration, credentials, landing zone, warehouse, Dagster's home. Nothing is landed here.

What must not come in: the request that tests a credential (``Provider.probe``) and the output of the results (the
command).
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile

from rich.filesize import decimal

from extractors.account import Account
from extractors.clock import Clock
from extractors.errors import CredentialRefused, ExtractionError, RequestRefused
from extractors.foreign_text import clean_line
from extractors.http.client import Client
from extractors.http.settings import HttpSettings
from extractors.registry import get_provider
from extractors.windows import Window, today
from pipelines.cli.steps.check_result import CheckResult
from pipelines.cli.steps.landed_check import check_landed_responses
from pipelines.cli.steps.refusal_advice import explain_refusal
from pipelines.configuration.config import Config
from pipelines.loads.alerts import try_webhook
from pipelines.loads.identity import describe_shared_projects
from pipelines.loads.workspace import Workspace
from warehouse.ddl.migrations import CURRENT_VERSION
from warehouse.disk_failures import describe_os_error
from warehouse.errors import NothingPublished, WarehouseError
from warehouse.store import Store

CHECK_HTTP_SETTINGS = HttpSettings(read_timeout_seconds=30, total_timeout_seconds=60, max_attempts=2)
"""A person waits for the result: a transient error is retried only once. Rate limits hold as in a load."""

MIN_FREE_BYTES = 200 * 2**20
"""Free bytes that a load needs; with less it may run out of space half-way."""

READ_WHOLE_BYTES = 256 * 2**20
"""The size of a published warehouse up to which a check reads it whole: 1 to 3 processor seconds at this size."""

_GRANT_ACCESS = "let this user read and write there"


def run_checks(workspace: Workspace, accounts: Sequence[Account], *, tries_webhook: bool = False) -> list[CheckResult]:
    """Run all checks. Sends one small request per account, about the account's yesterday, to all accounts at once.

    With ``tries_webhook`` it sends a message to the webhook of alerts too. Without ``accounts`` only the disk and the
    warehouse are checked.
    """
    config = workspace.config
    summary = f"{config.path}, accounts: {len(config.accounts)}"
    return [
        CheckResult("configuration", True, "; ".join([summary, *describe_shared_projects(config.accounts)])),
        *asyncio.run(_check_credentials(config, accounts, workspace.clock)),
        _check_landing(workspace),
        *check_landed_responses(workspace, accounts),
        *_check_warehouse(workspace.store),
        *_check_locks(workspace),
        _check_dagster_home(config),
        *_check_start_dates(accounts, workspace.clock),
        *([_check_webhook(config)] if tries_webhook else ()),
    ]


async def _check_credentials(config: Config, accounts: Sequence[Account], clock: Clock) -> list[CheckResult]:
    async with Client(CHECK_HTTP_SETTINGS, clock, config.network) as client:
        return list(await asyncio.gather(*(_check_credential(config, client, account) for account in accounts)))


async def _check_credential(config: Config, client: Client, account: Account) -> CheckResult:
    provider = get_provider(account.provider)
    window = Window.of_day(today(account.zone, client.clock.now()) - timedelta(days=1))
    try:
        was_sent = await provider.probe(client.open_session(account, provider.limits), window)
    except ExtractionError as error:
        advice = error.advice
        if isinstance(error, RequestRefused):
            advice = explain_refusal(error, account) or advice
        if isinstance(error, CredentialRefused):
            names = config.secret_variables[account.name]
            advice += f"; look at the variable{'s' if len(names) > 1 else ''} {' and '.join(names)}"
        return CheckResult("credential", False, error.problem, advice, account)
    message = f"accepted by {account.base_url}" if was_sent else "not tried: a request would start an export"
    return CheckResult("credential", True, message, account=account)


def _check_start_dates(accounts: Sequence[Account], clock: Clock) -> list[CheckResult]:
    """Return a warning for each account of which nothing is loaded yet, as its first day is in the future."""
    return [
        CheckResult(
            "start_date",
            True,
            f"nothing is loaded before {account.start_date}, which is in the future",
            "correct start_date if that is not meant",
            account,
            is_warning=True,
        )
        for account in accounts
        if account.start_date is not None and account.start_date > today(account.zone, clock.now())
    ]


def _check_webhook(config: Config) -> CheckResult:
    webhook = config.settings.alerts.webhook
    if webhook is None:
        advice = "set alerts.webhook, as in chatmart.example.yaml"
        return CheckResult("webhook", False, "the configuration names none: no alert is sent", advice)
    reason = try_webhook(webhook.get_secret_value(), config.network)
    if reason is None:
        return CheckResult("webhook", True, "accepted a message that says it is a test")
    return CheckResult("webhook", False, f"did not accept a message ({reason})", "correct alerts.webhook")


def _check_landing(workspace: Workspace) -> CheckResult:
    landing = workspace.config.landing
    if isinstance(landing, Path):
        return _check_folder("landing", landing, f"{landing}:", "point `landing:` to another folder")
    try:
        workspace.landing.check_access()
    except OSError as error:
        return CheckResult("landing", False, clean_line(describe_os_error(error, landing)))
    return CheckResult("landing", True, f"{landing}: can be read and written")


def _check_warehouse(store: Store) -> list[CheckResult]:
    """Return the result for the warehouse, and a failed one for each damaged file of a warehouse that is not large."""
    result = _check_published(store)
    if not (result.ok and 0 < store.size_bytes() <= READ_WHOLE_BYTES):
        return [result]
    try:
        damaged = store.find_damage()
    except WarehouseError as error:
        return [CheckResult("warehouse", False, clean_line(str(error)))]
    advice = "run `chatmart check --repair`, which mends it"
    problems = [clean_line(f"{damage.path} is damaged ({damage.problem})") for damage in damaged]
    return [CheckResult("warehouse", False, problem, advice) for problem in problems] or [result]


def _check_published(store: Store) -> CheckResult:
    try:
        version = store.published_version()
        size = store.size_bytes()
    except NothingPublished:
        message, needed_bytes = f"{store.address}: nothing is published yet, the first load publishes;", 0
    except WarehouseError as error:
        return CheckResult("warehouse", False, clean_line(str(error)))
    except OSError as error:
        return CheckResult("warehouse", False, f"{store.address} cannot be read ({error.strerror})", _GRANT_ACCESS)
    else:
        extent = " (not read whole: `--repair` does)" if size > READ_WHOLE_BYTES else ""
        message = f"{store.address}: published, {decimal(size)}{extent}, schema version {version}"
        message += f", which the next load migrates to {CURRENT_VERSION};" if version < CURRENT_VERSION else ";"
        needed_bytes = size if store.location.is_file() else 0  # a file is published as a copy, a lake in small pieces
    other_place = "point `warehouse:` to another disk"
    return _check_folder("warehouse", store.staging_folder.parent, message, other_place, needed_bytes)


def _check_locks(workspace: Workspace) -> list[CheckResult]:
    """Return the result for the locks that machines share; none where all locks are files of this machine."""
    session = workspace.shared_locks
    if session is None:
        return []
    try:
        session.identify()
    except ConnectionError as error:
        return [CheckResult("locks", False, str(error))]
    return [CheckResult("locks", True, f"{session.place}: reached, and its locks have a holder")]


def _check_dagster_home(config: Config) -> CheckResult:
    home = config.dagster_home
    if os.environ.get("DAGSTER_HOME") and not (home.is_absolute() and home.is_dir()):
        message = f"DAGSTER_HOME={home} is not the absolute path of a folder"
        return CheckResult("dagster", False, message, "make the folder, or unset DAGSTER_HOME")
    if not home.is_dir():
        return CheckResult("dagster", True, f"{home}: does not exist yet, `chatmart dev` makes it")
    message = f"{home}:" if (home / "dagster.yaml").is_file() else f"{home}: without a dagster.yaml of its own;"
    return _check_folder("dagster", home, message, "set DAGSTER_HOME to another folder")


def _check_folder(check: str, folder: Path, message: str, other_place: str, needed_bytes: int = 0) -> CheckResult:
    """Check that a folder can be written to and has ``needed_bytes`` plus ``MIN_FREE_BYTES`` free.

    The folder may not exist yet: its nearest existing parent is checked. Leaves no file behind. ``message`` begins the
    result's message; ``other_place`` ends the advice.
    """
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        with TemporaryFile(dir=existing) as file:
            file.write(b"x")
            file.flush()
        free_bytes = shutil.disk_usage(existing).free
    except OSError as error:
        message = f"{message} {folder} cannot be written to ({error.strerror})"
        return CheckResult(check, False, message, f"{_GRANT_ACCESS}, or {other_place}")
    required_bytes = needed_bytes + MIN_FREE_BYTES
    if free_bytes < required_bytes:
        message = f"{message} {decimal(free_bytes)} free, {decimal(required_bytes)} are needed"
        return CheckResult(check, False, message, f"free some space, or {other_place}")
    return CheckResult(check, True, f"{message} writable, {decimal(free_bytes)} free")
