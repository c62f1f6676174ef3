"""Back-up and restore as docs/operating.md shows them: its own lines, run by a shell in a folder that was loaded."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import CHATMART, Product, days_from
from tests.support.wait_until import await_that

PAGE = (Path(__file__).parents[2] / "docs/operating.md").read_text("utf-8")
BACKUP, RESTORE, REPLAY = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
ACCOUNTS = tuple(account for account in DEMO_ACCOUNTS if account.provider in ("cognigy", "inkeep"))
DAYS = days_from(date(2025, 2, 25), 10)


@pytest.fixture
def product(tmp_path: Path) -> Product:
    folder = tmp_path / "srv"
    folder.mkdir()
    with Sandbox() as sandbox:
        yield Product(folder, sandbox, ACCOUNTS)


def shell(product: Product, lines: str) -> str:
    """Run lines of the page with this test's folders in place of those that they name."""
    backup = product.folder.parent / "backup"
    for name, here in (("/srv/chatmart", product.folder), ("/backup/chatmart", backup)):
        assert name in lines
        lines = lines.replace(name, str(here))
    today = subprocess.run(["date", "+%F"], capture_output=True, text=True, check=True).stdout.strip()
    lines = lines.replace("2026-01-31", today)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", lines], env={**product.environment, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def settle(product: Product) -> None:
    """Loads with a history: a day was told otherwise once."""
    assert product.load(DAYS).ok
    product.sandbox.world.restate(ACCOUNTS[0].name, DAYS[3], "smaller")
    assert product.load(DAYS[:5], refetch=True).ok


def histories(product: Product) -> list[str]:
    columns = ("date", "account", "view", "member", "measure", "old", "new")
    rows = [row for account in ACCOUNTS for row in product.view("restatement_log", account.name)]
    return sorted(str([row[column] for column in columns]) for row in rows)


def spoil(product: Product) -> None:
    """A disk that failed, and a program that made the best of it."""
    (product.folder / "data/warehouse.duckdb").write_bytes(b"damaged")
    for batch in (product.folder / "data/landing").rglob("*.zst"):
        batch.write_bytes(b"damaged")
    (product.folder / "chatmart.yaml").unlink()


@pytest.mark.e2e
def test_a_copy_is_restored_and_goes_on(product: Product) -> None:
    settle(product)
    before, history = product.everything(), histories(product)
    assert history
    shell(product, BACKUP)
    assert product.load(days_from(date(2025, 4, 1), 3)).ok  # what the copy does not know
    spoil(product)
    told = shell(product, RESTORE)
    assert all(account.name in told for account in ACCOUNTS)
    assert (product.everything(), histories(product)) == (before, history)
    product.sandbox.book.clear()
    product.backfill(DAYS[0], DAYS[-1])
    assert product.sandbox.book.count() == 0  # all of it is settled
    product.backfill(date(2025, 4, 1), date(2025, 4, 3))
    assert product.differences([*DAYS, *days_from(date(2025, 4, 1), 3)])[1] == []


@pytest.mark.e2e
@pytest.mark.long
def test_the_landing_zone_alone_is_enough(product: Product) -> None:
    settle(product)
    before, history = product.everything(), histories(product)
    shell(product, BACKUP)
    spoil(product)
    product.sandbox.book.clear()
    shell(product, REPLAY)
    assert (product.everything(), histories(product)) == (before, history)
    assert product.sandbox.book.count() == 0
    assert (product.folder / "data/landing").stat().st_mode & 0o077 == 0


@pytest.mark.e2e
@pytest.mark.long
def test_a_copy_that_is_taken_while_a_load_goes_on_is_whole(product: Product) -> None:
    before = days_from(date(2025, 1, 1), 55)
    settle(product)
    product.sandbox.switches.delay_seconds = 0.1
    product.sandbox.book.clear()
    command = [CHATMART, "backfill", "--from", str(before[0]), "--to", str(before[-1])]
    with subprocess.Popen(command, env=product.environment, cwd=product.folder, stderr=subprocess.DEVNULL) as going_on:
        await_that(lambda: product.sandbox.book.count() > 3)
        shell(product, BACKUP)
        assert going_on.poll() is None
        going_on.kill()
    spoil(product)
    product.sandbox.switches.delay_seconds = 0.0
    shell(product, RESTORE)
    product.backfill(before[0], DAYS[-1])
    assert product.differences([*before, *DAYS])[1] == []
