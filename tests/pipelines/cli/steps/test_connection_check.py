"""The checks before a load, on a running sandbox, a real disk and real warehouses; they write and start nothing."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from extractors.http.session import Session
from extractors.registry import get_provider
from extractors.windows import Window
from pipelines.cli.steps import connection_check
from pipelines.cli.steps.connection_check import MIN_FREE_BYTES, CheckResult, run_checks
from pipelines.configuration.config import load_config
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.sample_world import NOW, SampleWorld
from tests.warehouse.earlier_versions import VERSIONS
from warehouse.ddl.migrations import CURRENT_VERSION

DOCS = next(account for account in SAMPLE_ACCOUNTS if account.provider == "inkeep")
BOT = next(account for account in SAMPLE_ACCOUNTS if account.provider == "chatlayer")
VOICE = next(account for account in SAMPLE_ACCOUNTS if account.provider == "chatcaptain")
SUPPORT, OTHER_SUPPORT = (account for account in SAMPLE_ACCOUNTS if account.provider == "cognigy")
SALES = next(account for account in SAMPLE_ACCOUNTS if account.provider == "chatdash")


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(5, SAMPLE_ACCOUNTS, clock=lambda: NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    shared_sandbox.request_log.clear()
    return shared_sandbox


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, (DOCS,))


def run_all_checks(sample_world: SampleWorld) -> list[CheckResult]:
    workspace = sample_world.open_workspace()
    return run_checks(workspace, workspace.config.accounts)


def check_credentials(sample_world: SampleWorld, *accounts: SandboxAccount, **settings: Any) -> list[CheckResult]:
    """Return the results for the credentials of these accounts, all with these settings."""
    sample_world.accounts = accounts
    sample_world.overrides = {account.name: settings for account in accounts}
    return [result for result in run_all_checks(sample_world) if result.check == "credential"]


def run_check(sample_world: SampleWorld, check: str) -> CheckResult:
    (result,) = [result for result in run_all_checks(sample_world) if result.check == check]
    return result


def test_one_request_per_account_and_nothing_is_written(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sample_world.accounts = SAMPLE_ACCOUNTS
    results = run_all_checks(sample_world)
    assert [result.message for result in results if not result.ok] == []
    assert [result.check for result in results] == [
        "configuration",
        *["credential"] * len(SAMPLE_ACCOUNTS),
        "landing",
        "warehouse",
        "dagster",
    ]
    assert [result.account.name for result in results if result.account] == [
        account.name for account in SAMPLE_ACCOUNTS
    ]
    names = sorted(account.name for account in SAMPLE_ACCOUNTS)
    assert sorted(str(record.account) for record in sandbox.requests) == names
    assert {record.status for record in sandbox.requests} == {200}
    assert sandbox.jobs == []
    assert sorted(path.name for path in sample_world.folder.iterdir()) == [".env", "chatmart.yaml"]


@pytest.mark.parametrize(
    ("account", "query"),
    [
        (SUPPORT, "conversationcounter?year=2026&month=1"),
        (BOT, "bots/b1/conversations?version=LIVE&start_time=2026-01-08T00%3A00%3A00Z&end_time=2026-01-10T00%3A00"),
        (VOICE, "statistics/channels?from=2026-01-08T23%3A00%3A00.000Z&to=2026-01-09T22%3A59%3A59.999Z"),
        (DOCS, '"gte","value":"2026-01-09T00:00:00.000Z"'),
        (SALES, '"startTime":"2026-01-08T23:00:00.000Z","endTime":"2026-01-09T22:59:59.999Z"'),
    ],
    ids=lambda value: getattr(value, "provider", None),
)
def test_the_request_is_about_the_accounts_own_yesterday(
    sample_world: SampleWorld, account: SandboxAccount, query: str
) -> None:
    assert [result.ok for result in check_credentials(sample_world, account)] == [True]
    (record,) = sample_world.take_requests()
    assert query in f"{record.path}?{record.query} {record.body}"


def test_a_chatlayer_account_with_team_usage_only_requests_the_team(sample_world: SampleWorld) -> None:
    (result,) = check_credentials(sample_world, BOT, team_id="t1", streams=["team_usage"])
    (record,) = sample_world.take_requests()
    assert "/v1/teams/t1/conversations" in record.path
    assert result.ok == (record.status == 200)


def test_an_account_with_exports_only_is_not_tried(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    (result,) = check_credentials(sample_world, VOICE, streams=["export"])
    assert (result.ok, result.message) == (True, "not tried: a request would start an export")
    assert sample_world.take_requests() == []


@pytest.mark.parametrize("account", [SUPPORT, SALES, BOT, VOICE, DOCS], ids=lambda account: account.provider)
def test_a_refused_credential_names_its_variables_and_stops_no_other_check(
    sample_world: SampleWorld, account: SandboxAccount
) -> None:
    other = OTHER_SUPPORT
    key = "planted:secret-7f3a" if account.provider == "chatlayer" else "planted-secret-7f3a"
    refused, fine = check_credentials(sample_world, replace(account, credential=key), other)
    assert (refused.ok, fine.ok) == (False, True)
    assert refused.message.startswith("HTTP 401")
    slug = account.name.upper().replace("-", "_")
    names = f"_{slug}_ID and SANDBOX_{slug}_SECRET" if account.provider == "chatlayer" else f"_{slug}_KEY"
    assert refused.advice.endswith(f"SANDBOX{names}")
    assert "secret-7f3a" not in f"{refused}"
    assert len(sample_world.take_requests()) == 2


def test_a_missing_permission_and_a_wrong_id_have_different_messages(
    sample_world: SampleWorld, sandbox: Sandbox
) -> None:
    sandbox.plan_faults(Fault(path="statistics/channels", status=403, body='{"message": "no"}'))
    (forbidden,) = check_credentials(sample_world, VOICE)
    assert "the key lacks the permission chatbots.statistics.get" in forbidden.message
    assert "streams: [export]" in forbidden.advice
    assert forbidden.advice.endswith("SANDBOX_ACME_VOICE_KEY")
    (unknown,) = check_credentials(sample_world, SUPPORT, project_id="0" * 24)
    assert "no project 000" in unknown.message
    assert unknown.advice == "base_url is right, for the provider's API answers there; correct project_id"


def test_a_transient_error_is_retried_once(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(status=503, times=1))
    assert [result.ok for result in check_credentials(sample_world, DOCS)] == [True]
    assert len(sample_world.take_requests()) == 2
    sandbox.plan_faults(Fault(status=503, times=9))
    (result,) = check_credentials(sample_world, DOCS)
    assert (result.ok, result.message) == (False, "HTTP 503")
    assert len(sample_world.take_requests()) == 2


def test_the_rules_of_any_request_hold(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(status=302, headers={"location": "http://other.example/x"}, method="GET"))
    (moved,) = check_credentials(sample_world, SUPPORT)
    assert (moved.ok, moved.message) == (False, "redirected to another host (other.example)")
    sandbox.request_log.clear()
    sandbox.plan_faults(Fault(status=429, headers={"retry-after": "7200"}))
    (deferred,) = check_credentials(sample_world, DOCS)
    assert "limit is used up until 2026-01-10 14:" in deferred.message
    assert len(sample_world.take_requests()) == 1
    sandbox.plan_faults(Fault(status=401, body=f'{{"message": "bad key {DOCS.credential}"}}'))
    (talkative,) = check_credentials(sample_world, DOCS)
    assert "bad key [redacted]" in talkative.message


def test_accounts_are_checked_concurrently(sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait_for_all(session: Session, window: Window) -> None:
        barrier: asyncio.Barrier = session.httpx_client.__dict__.setdefault("barrier", asyncio.Barrier(3))
        async with asyncio.timeout(20):
            await barrier.wait()

    monkeypatch.setattr(connection_check, "get_provider", lambda name: replace(get_provider(name), probe=wait_for_all))
    assert [result.ok for result in check_credentials(sample_world, DOCS, BOT, VOICE)] == [True, True, True]


def test_a_folder_that_cannot_be_written_to(sample_world: SampleWorld) -> None:
    (sample_world.folder / "data").write_text("a file where a folder should be")
    landing, warehouse = run_check(sample_world, "landing"), run_check(sample_world, "warehouse")
    for result in (landing, warehouse):
        assert not result.ok
        assert "cannot be written to (Not a directory)" in result.message
    assert "`landing:`" in landing.advice
    assert "`warehouse:`" in warehouse.advice


def set_free_bytes(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(10**12, 10**12 - free, free))


def test_a_full_disk(sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_world.open_workspace().store.set_accounts_and_measures([], [])
    sample_world.open_workspace().store.publish()
    size = sample_world.open_workspace().store.size_bytes()
    set_free_bytes(monkeypatch, MIN_FREE_BYTES)
    assert run_check(sample_world, "landing").ok
    assert not run_check(sample_world, "warehouse").ok  # it is published as a copy
    assert "are needed" in run_check(sample_world, "warehouse").message
    set_free_bytes(monkeypatch, MIN_FREE_BYTES + size)
    assert run_check(sample_world, "warehouse").ok
    set_free_bytes(monkeypatch, MIN_FREE_BYTES - 1)
    assert "209.7 MB free, 209.7 MB are needed" in run_check(sample_world, "landing").message


@pytest.mark.parametrize("address", ["duckdb://data/warehouse.duckdb", "parquet://data/lake"])
def test_a_published_warehouse_and_its_version(tmp_path: Path, sandbox: Sandbox, address: str) -> None:
    class WorldWithAddress(SampleWorld):
        def configure(self, **extra: Any) -> Path:
            return super().configure(warehouse=address, **extra)

    world = WorldWithAddress(tmp_path, sandbox, (DOCS,))
    assert "nothing is published yet" in run_check(world, "warehouse").message
    world.open_workspace().store.set_accounts_and_measures([], [])
    assert "nothing is published yet" in run_check(world, "warehouse").message
    world.open_workspace().store.publish()
    result = run_check(world, "warehouse")
    assert result.ok
    assert "published, " in result.message
    assert f"schema version {CURRENT_VERSION}; writable" in result.message


def test_a_damaged_lake_is_named_where_it_is_not_large(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WorldWithLake(SampleWorld):
        def configure(self, **extra: Any) -> Path:
            return super().configure(warehouse="parquet://data/lake", **extra)

    world = WorldWithLake(tmp_path, sandbox, (DOCS,))
    store = world.open_workspace().store
    store.set_accounts_and_measures([], [])
    store.publish()
    [file] = tmp_path.rglob("dim_account.*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    result = run_check(world, "warehouse")
    assert not result.ok
    assert f"{file} is damaged (" in result.message
    assert "check --repair" in result.advice
    monkeypatch.setattr(connection_check, "READ_WHOLE_BYTES", 10)
    result = run_check(world, "warehouse")
    assert result.ok
    assert "(not read whole: `--repair` does)" in result.message


def test_a_warehouse_of_another_release_or_program(sample_world: SampleWorld) -> None:
    sample_world.open_workspace().store.set_accounts_and_measures([], [])
    sample_world.open_workspace().store.publish()
    path = sample_world.open_workspace().store.location
    path.unlink()
    with duckdb.connect(path, config={"storage_compatibility_version": "v1.4.0"}) as con:
        con.execute(VERSIONS[-1].read_text())
    result = run_check(sample_world, "warehouse")
    assert result.ok
    assert f"schema version {CURRENT_VERSION - 1}, which the next load migrates to {CURRENT_VERSION}" in result.message
    with duckdb.connect(path) as con:
        con.execute("INSERT INTO books.schema_version VALUES (?, 'x', now())", [CURRENT_VERSION + 1])
    result = run_check(sample_world, "warehouse")
    assert not result.ok
    assert "upgrade chatmart" in result.message
    path.write_bytes(b"no warehouse at all" * 1000)
    result = run_check(sample_world, "warehouse")
    assert not result.ok
    assert "cannot be opened as a warehouse" in result.message


def test_dagsters_home(sample_world: SampleWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        run_check(sample_world, "dagster").message
        == f"{tmp_path / '.dagster'}: does not exist yet, `chatmart dev` makes it"
    )
    (tmp_path / ".dagster").mkdir()
    assert "without a dagster.yaml of its own; writable" in run_check(sample_world, "dagster").message
    (tmp_path / ".dagster/dagster.yaml").write_text("")
    assert run_check(sample_world, "dagster").message.startswith(f"{tmp_path / '.dagster'}: writable, ")
    for home, ok in ((tmp_path / "nowhere", False), (Path("relative"), False), (tmp_path, True)):
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        assert run_check(sample_world, "dagster").ok == ok


@pytest.mark.parametrize("account", [SUPPORT, VOICE], ids=lambda account: account.provider)
def test_a_secret_that_is_not_set_is_named_and_nothing_is_sent(
    sample_world: SampleWorld, account: SandboxAccount
) -> None:
    sample_world.accounts = (account, OTHER_SUPPORT)
    sample_world.overrides = {account.name: {"api_key": "${NOBODY_SET_THIS}"}}
    config = load_config(sample_world.configure(), allow_unset_credentials=True)
    results = run_checks(Workspace.open(config), config.accounts)
    unset, fine = (result for result in results if result.check == "credential")
    assert (unset.ok, unset.message) == (False, "the variable NOBODY_SET_THIS is not set")
    assert (unset.advice, unset.account) == ("set it or write it into .env", config.accounts[0])
    assert fine.ok
    assert len(sample_world.take_requests()) == 1
