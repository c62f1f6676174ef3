"""Whether a load would work: credentials, landing zone, warehouse, Dagster's home. Nothing is landed or kept here.

How an account is asked is its provider's own (``Provider.probe``), how findings are shown the command's.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile

from rich.filesize import decimal

from extractors.account import Account
from extractors.clock import Clock
from extractors.errors import CredentialRefused, ExtractionError
from extractors.http.client import Client
from extractors.http.transport import HttpSettings
from extractors.redaction import redact
from extractors.registry import get_provider
from extractors.windows import Window, today
from pipelines.configuration.config import Config
from pipelines.loads.workspace import Workspace
from warehouse.ddl.migrations import CURRENT_VERSION
from warehouse.errors import NothingPublished, WarehouseError
from warehouse.store import Store

CHECK_HTTP_SETTINGS = HttpSettings(read_timeout_seconds=30, total_timeout_seconds=60, max_attempts=2)
"""Somebody waits for the answer: trouble is tried once more and then told, limits are kept as ever."""

MIN_FREE_BYTES = 200 * 2**20
"""Bytes: with less, a load may end half-way for want of space."""

_RIGHTS = "let this user read and write there"
_VERSION = "SELECT max(version) AS version FROM schema_version"


@dataclass(frozen=True)
class CheckResult:
    """One thing that was looked at: what was found, and when it is not ``ok`` what to do about it."""

    check: str
    ok: bool
    message: str
    advice: str = ""
    account: Account | None = None


def run_checks(workspace: Workspace, accounts: Sequence[Account]) -> list[CheckResult]:
    """Look at everything; each of the accounts is asked one question about its yesterday, all of them at once."""
    config = workspace.config
    return [
        CheckResult("configuration", True, f"{config.path}, accounts: {len(config.accounts)}"),
        *asyncio.run(_credentials(config, accounts, workspace.clock)),
        _landing(config),
        _warehouse(workspace.store),
        _dagster(config),
    ]


async def _credentials(config: Config, accounts: Sequence[Account], clock: Clock) -> list[CheckResult]:
    async with Client(CHECK_HTTP_SETTINGS, clock) as client:
        return list(await asyncio.gather(*(_credential(config, client, account) for account in accounts)))


async def _credential(config: Config, client: Client, account: Account) -> CheckResult:
    known = get_provider(account.provider)
    window = Window.of_day(today(account.zone, client.clock.now()) - timedelta(days=1))
    try:
        answer = await known.probe(client.open_session(account, known.limits), window)
    except ExtractionError as error:
        advice = error.advice
        if isinstance(error, CredentialRefused):
            names = config.secret_variables[account.name]
            advice += f"; look at the variable{'s' if len(names) > 1 else ''} {' and '.join(names)}"
        return CheckResult("credential", False, redact(error.problem), redact(advice), account)
    said = f"accepted by {account.base_url}" if answer else "not tried: asking would start an export"
    return CheckResult("credential", True, said, account=account)


def _landing(config: Config) -> CheckResult:
    return _written("landing", config.landing, f"{config.landing}:", "point `landing:` to another folder")


def _warehouse(store: Store) -> CheckResult:
    try:
        version = store.read(_VERSION).column("version")[0].as_py()
        size = store.size_bytes()
    except NothingPublished:
        said, needed = f"{store.location}: nothing is published yet, the first load does it;", 0
    except WarehouseError as error:
        return CheckResult("warehouse", False, redact(str(error)))
    except OSError as error:
        return CheckResult("warehouse", False, f"{store.location} cannot be read ({error.strerror})", _RIGHTS)
    else:
        said = f"{store.location}: published, {decimal(size)}, schema version {version}"
        said += f", which the next load brings to {CURRENT_VERSION};" if version < CURRENT_VERSION else ";"
        needed = size if store.location.is_file() else 0  # a file is published as a copy, a lake piece by piece
    return _written("warehouse", store.staging_folder.parent, said, "point `warehouse:` to another disk", needed)


def _dagster(config: Config) -> CheckResult:
    home = config.dagster_home
    if os.environ.get("DAGSTER_HOME") and not (home.is_absolute() and home.is_dir()):
        return CheckResult(
            "dagster", False, f"DAGSTER_HOME={home} is no absolute path of a folder", "make it, or unset it"
        )
    if not home.is_dir():
        return CheckResult("dagster", True, f"{home}: not there yet, `chatmart dev` makes it")
    own = ":" if (home / "dagster.yaml").is_file() else ": without a dagster.yaml of its own;"
    return _written("dagster", home, f"{home}{own}", "set DAGSTER_HOME to another folder")


def _written(check: str, folder: Path, said: str, otherwise: str, needed: int = 0) -> CheckResult:
    """Whether files can be written below a folder that may not be there yet, and how many bytes; leaves none behind."""
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        with TemporaryFile(dir=there) as file:
            file.write(b"x")
            file.flush()
        free = shutil.disk_usage(there).free
    except OSError as error:
        said = f"{said} {folder} cannot be written to ({error.strerror})"
        return CheckResult(check, False, said, f"{_RIGHTS}, or {otherwise}")
    if free < needed + MIN_FREE_BYTES:
        said = f"{said} {decimal(free)} free, {decimal(needed + MIN_FREE_BYTES)} are needed"
        return CheckResult(check, False, said, f"make room, or {otherwise}")
    return CheckResult(check, True, f"{said} writable, {decimal(free)} free")
