"""A loaded configuration for a running sandbox, and runs of Dagster's jobs inside the test's own process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.configuration import config as configuration
from pipelines.configuration.config import Config
from pipelines.orchestration.build import build_definitions
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.config import build_environment
from sandbox.server import Sandbox
from tests.support.installation import Installation
from tests.support.sample_world import begin_warehouse

PARTITION_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass
class DagsterProject:
    """The definitions of a configuration, and an ephemeral Dagster instance."""

    installation: Installation
    config: Config
    resources: ExitStack

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """The instance, created on first use: many tests only read definitions."""
        instance = dg.DagsterInstance.ephemeral()
        self.resources.callback(instance.dispose)
        return instance

    def run_job(
        self,
        job: str,
        days: tuple[date, date] | None = None,
        run_config: Mapping[str, Any] | None = None,
        asset_keys: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        return (
            build_definitions(self.config)
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                raise_on_error=False,
                tags={**(tags or {}), **(dict(zip(PARTITION_RANGE_TAGS, map(str, days), strict=True)) if days else {})},
                run_config=run_config,
                asset_selection=[dg.AssetKey(key.split("/")) for key in asset_keys] if asset_keys else None,
            )
        )

    def materialized_partitions(self, asset: str) -> set[str]:
        return set(self.instance.get_materialized_partitions(dg.AssetKey(asset.split("/"))))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def build_dagster_project(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., DagsterProject]]:
    resources = ExitStack()

    def build(
        *names: str,
        bad: Sequence[str] = (),
        first: date | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        begun: bool = True,
        **top: Any,
    ) -> DagsterProject:
        """With ``begun`` the warehouse exists and is empty; else the first run creates it, as it does for a user."""
        accounts = [account for account in SAMPLE_ACCOUNTS if account.name in names]
        starts = {account.name: {"start_date": str(first)} for account in accounts} if first else {}
        product = Installation(tmp_path, sandbox, accounts, overrides or starts)
        if begun and not (tmp_path / "data").exists():
            begin_warehouse(tmp_path / "data" / "warehouse.duckdb")
        product.configure(**top)
        keys = [replace(account, credential="refused") if account.name in bad else account for account in accounts]
        for name, value in build_environment(keys).items():
            monkeypatch.setenv(name, value)
        return DagsterProject(product, configuration.load_config(tmp_path / "chatmart.yaml"), resources)

    with resources:
        yield build
