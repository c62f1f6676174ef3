"""One account name, one bot: a second configuration of the same name is refused, and one bot under two names named."""

from datetime import date
from pathlib import Path

import pytest

from extractors.errors import ConfigError
from pipelines.loads.identity import describe_shared_projects
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob, fetch_jobs
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, RecordingObserver, SampleWorld, loaded_conversations

DAY = date(2026, 1, 5)


def open_second(folder: Path, sandbox: Sandbox, first: SampleWorld, **locations: str) -> SampleWorld:
    """Return a configuration that loads New York's project under Berlin's name, into the first one's warehouse."""
    folder.mkdir(exist_ok=True)
    document = build_config(sandbox, (NEW_YORK,))
    project = document["accounts"][0]["project_id"]
    key = document["accounts"][0]["api_key"]
    overrides = {BERLIN.name: {"project_id": project, "api_key": key}}
    warehouse = f"duckdb://{first.folder / 'data/warehouse.duckdb'}"
    world = SampleWorld(folder, sandbox, (BERLIN,), overrides, clock=first.clock)
    world.top_level = {"warehouse": warehouse, **locations}
    return world


@pytest.fixture(autouse=True)
def _keys(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in build_environment((BERLIN, NEW_YORK)).items():
        monkeypatch.setenv(name, value)


def test_a_second_configuration_with_the_same_name_is_refused(
    sample_world: SampleWorld, sandbox: Sandbox, tmp_path: Path
) -> None:
    assert sample_world.backfill(DAY, DAY).is_ok
    before = loaded_conversations(sample_world)
    second = open_second(tmp_path / "second", sandbox, sample_world)
    sample_world.take_requests()
    workspace = second.open_workspace()
    jobs = [LoadJob(account, (DAY,)) for account in workspace.config.accounts]
    for attempt in (
        lambda: second.backfill(DAY, DAY),
        lambda: fetch_jobs(workspace, jobs),
        lambda: replay_jobs(workspace, jobs, RecordingObserver()),
    ):
        with pytest.raises(ConfigError, match=rf"^account {BERLIN.name}: .* give the account another name in one"):
            attempt()
    assert sample_world.take_requests() == []
    assert loaded_conversations(sample_world) == before
    assert sample_world.backfill(DAY, DAY, refetch=True).is_ok, "the first configuration goes on"


def test_two_configurations_that_share_the_landing_zone_are_refused_when_the_name_comes_back(
    sample_world: SampleWorld, sandbox: Sandbox, tmp_path: Path
) -> None:
    assert sample_world.backfill(DAY, DAY).is_ok
    second = open_second(tmp_path / "second", sandbox, sample_world, landing=str(tmp_path / "data/landing"))
    assert second.backfill(DAY, DAY).is_ok, "an id may change"
    with pytest.raises(ConfigError, match="and it was before: give the account another name"):
        sample_world.backfill(DAY, DAY)


def test_an_id_that_never_loaded_a_day_may_be_corrected(
    sample_world: SampleWorld, sandbox: Sandbox, tmp_path: Path
) -> None:
    wrong = open_second(tmp_path, sandbox, sample_world)
    wrong.overrides[BERLIN.name]["project_id"] = "0" * 24
    assert not wrong.backfill(DAY, DAY).is_ok
    assert sample_world.backfill(DAY, DAY).is_ok


def test_slices_of_which_nothing_was_landed_here_are_named(
    sample_world: SampleWorld, sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert sample_world.backfill(DAY, DAY).is_ok
    assert "another configuration may use its name" not in caplog.text
    moved = SampleWorld(sample_world.folder, sandbox, clock=sample_world.clock, top_level={"landing": "elsewhere"})
    assert moved.backfill(DAY, DAY, refetch=True).is_ok
    assert f"{tmp_path / 'elsewhere'} has no response of it: another configuration may use its name" in caplog.text


@pytest.mark.parametrize("provider", sorted({account.provider for account in SAMPLE_ACCOUNTS}))
def test_one_bot_under_two_names_is_named(provider: str, tmp_path: Path) -> None:
    world_accounts = [account for account in SAMPLE_ACCOUNTS if account.provider == provider]
    with Sandbox() as demo:
        accounts = list(SampleWorld(tmp_path, demo, world_accounts).open_workspace().config.accounts)
    first = accounts[0]
    assert describe_shared_projects(accounts) == []
    twin = first.model_copy(update={"name": "acme-twin"})
    assert describe_shared_projects([*accounts, twin]) == [
        f"{first.name} and acme-twin are one bot of {provider}: sums over accounts count it 2 times"
    ]
