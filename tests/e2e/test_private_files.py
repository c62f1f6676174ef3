"""Everything that holds data is for its owner only, whatever the umask; a planted link is not followed."""

import os
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.configuration import config as configuration
from pipelines.orchestration.instance.home import prepare_home
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import Installation
from warehouse.store import Store

DAY = date(2025, 3, 3)
STORES = {
    "duckdb": "duckdb://data/deep/warehouse.duckdb",
    "parquet": "parquet://data/deep/lake",
    "delta": "delta://data/deep/delta",
}
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def list_open_paths(folder: Path) -> list[str]:
    """Return the files and folders below a folder that anybody but their owner may use, with their modes."""
    modes = {path: read_mode(path) for path in sorted(folder.rglob("*"))}
    return [f"{path.relative_to(folder)} {mode:o}" for path, mode in modes.items() if mode & 0o077]


def read_mode(path: Path) -> int:
    """Return a path's mode; 0 if it is gone: threads of a running load rename their files while this looks."""
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        return 0


@pytest.mark.e2e
@pytest.mark.usefixtures("_open_umask")
@pytest.mark.parametrize("kind", sorted(STORES))
def test_nothing_that_holds_data_is_open_to_others(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_during_the_load: set[str] = set()
    publish, commit = Store.publish, Store.commit_group

    def observe(*_: object) -> None:
        seen_during_the_load.update(list_open_paths(tmp_path / "data"))

    def commit_and_observe(store: Store, *arguments: Any) -> Any:
        observe()
        results = commit(store, *arguments)
        observe()
        return results

    def publish_and_observe(store: Store) -> bool:
        observe()
        return publish(store)

    monkeypatch.setattr(Store, "commit_group", commit_and_observe)
    monkeypatch.setattr(Store, "publish", publish_and_observe)
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, ONE_OF_EACH, warehouse_url=STORES[kind])
        product.backfill(DAY, DAY)
        product.run("report", "--from", str(DAY), "--to", str(DAY))
        product.run("sql", "FROM conversation_daily", "--format", "csv", "--output", str(tmp_path / "data/answer.csv"))
        product.run("replay", "--from", str(DAY), "--to", str(DAY))
        product.run("maintain")
    assert seen_during_the_load == set()
    assert list_open_paths(tmp_path / "data") == []
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    umask = os.umask(0o022)
    assert umask == 0o022, "the command left another umask behind"


@pytest.mark.e2e
@pytest.mark.usefixtures("_open_umask")
@pytest.mark.parametrize("kind", sorted(STORES))
def test_rights_that_the_owner_gives_stay_with_what_is_published(tmp_path: Path, kind: str) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, ONE_OF_EACH[:1], warehouse_url=STORES[kind])
        product.backfill(DAY, DAY)
        published = tmp_path / STORES[kind].partition("://")[2]
        for path in [published, *published.rglob("*")]:
            path.chmod(0o750 if path.is_dir() else 0o640)
        product.backfill(date(2025, 4, 3), date(2025, 4, 3))
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in [published, *published.rglob("*")]
        if path.name not in ("_lock", "_loader.json", "_staging")
    }
    assert set(modes.values()) <= {0o640, 0o750}, modes
    private = [path for path in published.parent.rglob("_*") if path.name.endswith(("lock", "loader", "_loader.json"))]
    assert [path for path in private if path.name != "_lock" and path.stat().st_mode & 0o077] == []


@pytest.mark.usefixtures("_open_umask")
def test_dagsters_home_is_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, ONE_OF_EACH[:1])
        for name, value in product.environment.items():
            monkeypatch.setenv(name, value)
        config = configuration.load_config(tmp_path / "chatmart.yaml")
    prepare_home(config)
    assert stat.S_IMODE((tmp_path / ".dagster").stat().st_mode) == 0o700
