"""A landing zone in an object store, as the commands of two machines load, replay, prune and erase it."""

import gc
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import CommandResult
from tests.support.flaky_store import run_flaky_store
from tests.support.installation import CHATMART, Installation, days_from
from tests.support.object_store import BUCKET, start_object_store
from tests.support.secret_scan import find_secrets, read_files
from tests.support.wait_until import wait_until

DAYS = days_from(date(2025, 3, 30), 4)
DEMO = {account.name: account for account in SAMPLE_ACCOUNTS}
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())
PERSON = "planted-person-7@example.com"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> str:
    address = start_object_store()
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    return address


@pytest.fixture
def landing(endpoint: str, tmp_path: Path) -> str:
    return f"s3://{BUCKET}/{tmp_path.name}/landing"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def install(
    folder: Path, sandbox: Sandbox, accounts: Sequence[SandboxAccount], landing: str, **settings: object
) -> Installation:
    """A product on a machine of its own: nothing of its folder is another's.

    The machines take one another for the same one, as copies of a disk do: what is shown here holds without locks.
    """
    locks = folder / "data" / f"landing-{landing.partition('://')[2].replace('/', '-')}" / "locks"
    locks.mkdir(parents=True)
    (locks / "identity").write_text("of a disk that was copied")
    warehouse = str(settings.get("warehouse", "duckdb://data/warehouse.duckdb"))
    product = Installation(folder, sandbox, accounts, warehouse_url=warehouse)
    product.configure(landing=landing, **settings)
    return product


def backfill(product: Installation, first: date, last: date, *more: str, exit_code: int = 0) -> CommandResult:
    """Load days as a process does, which leaves its folder of copies at its end."""
    done = product.backfill(first, last, *more, exit_code=exit_code)
    gc.collect()
    return done


def dump_bucket(endpoint: str, landing: str, folder: Path) -> Path:
    """Write every object of a landing zone to a folder."""
    store = S3Store.from_url(landing, config={"endpoint": endpoint}, client_options={"allow_http": True})
    shutil.rmtree(folder, ignore_errors=True)
    for entries in obstore.list(store):
        for entry in entries:
            path = folder / entry["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(obstore.get(store, entry["path"]).bytes())
    return folder


@pytest.mark.e2e
def test_what_one_machine_has_landed_another_loads_without_a_request(
    tmp_path: Path, sandbox: Sandbox, landing: str
) -> None:
    accounts = [DEMO["acme-docs"], DEMO["acme-voice"]]
    first = install(tmp_path / "first", sandbox, accounts, landing)
    second = install(tmp_path / "second", sandbox, accounts, landing)
    backfill(first, DAYS[0], DAYS[1])
    sent = len(sandbox.requests)
    second.run("replay")
    assert len(sandbox.requests) == sent
    compared, lines = second.compare_with_truth(DAYS[:2])
    assert compared
    assert lines == []
    assert first.read_all_views() == second.read_all_views()
    assert f"{landing}: can be read and written" in second.run("check").out
    assert not (tmp_path / "first/data/landing").exists()


@pytest.mark.e2e
@pytest.mark.long
def test_every_command_on_a_landing_zone_and_a_lake_in_an_object_store(
    tmp_path: Path, sandbox: Sandbox, landing: str, endpoint: str
) -> None:
    lake = f"delta+{landing.removesuffix('landing')}star"
    accounts = [DEMO["acme-docs"], DEMO["acme-voice"], DEMO["acme-sales"]]
    first = install(tmp_path / "first", sandbox, accounts, landing, warehouse=lake, delta={"shards": 2})
    second = install(tmp_path / "second", sandbox, accounts, landing)
    [conversation, *_] = [
        conversation
        for _, conversations in sandbox.world.conversations_by_day("acme-docs", DAYS)
        for conversation in conversations
        if conversation.user
    ]
    conversation.user = PERSON
    wanted = [PERSON, conversation.id]
    backfill(first, DAYS[0], DAYS[2])
    second.run("replay")
    backfill(second, DAYS[3], DAYS[3])
    first.run("replay")
    for product in (first, second):
        assert product.compare_with_truth(DAYS)[1] == []
    assert first.read_all_views() == second.read_all_views()

    dump = tmp_path / "dump"
    assert find_secrets(wanted, read_files(dump_bucket(endpoint, landing, dump)))
    assert PERSON not in first.run("forget", "--account", "acme-docs", "--user", PERSON).out
    assert find_secrets(wanted, read_files(dump_bucket(endpoint, landing, dump))) == []
    assert find_secrets(wanted, read_files(first.folder)) == []
    second.run("replay")
    [copies] = (second.folder / "data").glob("landing-*")
    assert find_secrets(wanted, read_files(copies)) == []
    for product in (first, second):
        product.run("maintain")
        product.run("replay")
        repaired = product.run("check", "--repair")
        assert repaired.out == "nothing to repair: the warehouse is whole, and has every day that was landed\n"
    backfill(first, DAYS[0], DAYS[-1], "--refetch")
    assert find_secrets(wanted, read_files(dump_bucket(endpoint, landing, dump))) == []


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_object_is_asked_for_again(
    tmp_path: Path, sandbox: Sandbox, landing: str, endpoint: str, damage: str
) -> None:
    accounts = [DEMO["acme-docs"], DEMO["acme-voice"]]
    product = install(tmp_path / "first", sandbox, accounts, landing)
    backfill(product, DAYS[0], DAYS[1])
    store = S3Store.from_url(landing, config={"endpoint": endpoint}, client_options={"allow_http": True})
    names = [entry["path"] for entries in obstore.list(store) for entry in entries if entry["path"].endswith(".zst")]
    for name in names:
        if damage == "gone" and "/bodies/" in name:
            obstore.delete(store, name)
        elif damage == "cut":
            obstore.put(store, name, bytes(obstore.get(store, name).bytes())[:-20])
    assert "are damaged or gone" in product.run("check", exit_code=1).out
    product.run("check", "--repair")
    other = install(tmp_path / "other", sandbox, accounts, landing)
    other.run("replay")
    assert other.compare_with_truth(DAYS[:2])[1] == []


@pytest.mark.e2e
@pytest.mark.long
def test_two_machines_at_once_start_no_export_twice(tmp_path: Path, sandbox: Sandbox, landing: str) -> None:
    """Their locks are files of each machine alone: the journal has to do."""
    accounts = [DEMO["acme-voice"]]
    products = [install(tmp_path / name, sandbox, accounts, landing) for name in ("first", "second", "third")]
    with ExitStack() as running:
        for product in products:
            running.enter_context(start_backfill(product, DAYS[:1]))
    assert sandbox.request_log.count("chatcaptain", "/export", "POST") == len(sandbox.jobs) == 1
    backfill(products[0], DAYS[0], DAYS[0])
    assert products[0].compare_with_truth(DAYS[:1])[1] == []
    assert len(sandbox.jobs) == 1


@pytest.mark.e2e
@pytest.mark.long
def test_an_export_of_a_killed_machine_is_adopted_by_another(tmp_path: Path, sandbox: Sandbox, landing: str) -> None:
    accounts = [DEMO["acme-voice"]]
    first = install(tmp_path / "first", sandbox, accounts, landing)
    second = install(tmp_path / "second", sandbox, accounts, landing)
    sandbox.shapes.export_polls = 10**6
    with start_backfill(first, DAYS[:1]) as process:
        wait_until(lambda: any(job.polls > 2 for job in sandbox.jobs))
        process.kill()
    sandbox.shapes.export_polls = 2
    backfill(second, DAYS[0], DAYS[0])
    assert len(sandbox.jobs) == sandbox.request_log.count("chatcaptain", "/export", "POST") == 1
    assert second.compare_with_truth(DAYS[:1])[1] == []


@pytest.mark.e2e
@pytest.mark.long
def test_kills_at_any_moment_and_other_machines_go_on(tmp_path: Path, sandbox: Sandbox, landing: str) -> None:
    accounts, moments = [DEMO["acme-docs"], DEMO["acme-bot"], DEMO["acme-sales"]], random.Random(7)
    for number in range(10):
        product = install(tmp_path / f"machine-{number}", sandbox, accounts, landing)
        with start_backfill(product, DAYS) as process:
            time.sleep(0.8 + 2 * moments.random())
            process.kill()
    last = install(tmp_path / "last", sandbox, accounts, landing)
    backfill(last, DAYS[0], DAYS[-1])
    assert last.compare_with_truth(DAYS)[1] == []
    reader = install(tmp_path / "reader", sandbox, accounts, landing)
    reader.run("replay")
    assert reader.read_all_views() == last.read_all_views()


@contextmanager
def start_backfill(product: Installation, days: Sequence[date]) -> Iterator[subprocess.Popen[bytes]]:
    command = [CHATMART, "backfill", "--from", str(days[0]), "--to", str(days[-1])]
    with subprocess.Popen(command, env=product.environment, cwd=product.folder, stderr=subprocess.DEVNULL) as process:
        yield process


@pytest.mark.e2e
@pytest.mark.long
def test_a_slow_store_that_fails_now_and_then(tmp_path: Path, sandbox: Sandbox, landing: str, endpoint: str) -> None:
    with run_flaky_store(endpoint, fail_every=3, delay_seconds=0.04) as address:
        product = install(
            tmp_path / "first", sandbox, ONE_OF_EACH, landing, object_store={"endpoint": address, "allow_http": True}
        )
        backfill(product, DAYS[0], DAYS[-1])
        assert product.compare_with_truth(DAYS)[1] == []
        product.run("maintain")
    assert httpx.get(endpoint).is_success
    product.configure(landing=landing, object_store={"endpoint": address, "allow_http": True})
    done = backfill(product, DAYS[0], DAYS[-1], "--refetch", exit_code=1)
    assert f"{landing}: {address} does not answer" in done.err + done.out
