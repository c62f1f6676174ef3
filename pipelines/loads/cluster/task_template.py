"""What the tasks of a run have in common, and their arguments made of it. Nothing is submitted here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.loads.cluster.task import Half, LoadTask, select_raw
from pipelines.loads.plan import LoadJob
from pipelines.loads.workspace import Workspace


@dataclass(frozen=True)
class TaskTemplate:
    """What the tasks of a run have in common. The instants are in UTC (``LoadTask``)."""

    workspace: Workspace
    half: Half
    run_started_at: datetime
    failed_since: datetime
    refetch: bool = False

    @cached_property
    def _raw(self) -> Mapping[str, Any]:
        """The configuration's content, with folders that the working folder of a worker does not change."""
        config = self.workspace.config
        scheme, _, place = config.warehouse.partition("://")
        folder = (config.folder / place).expanduser().resolve()
        warehouse = f"{scheme}://{folder}" if scheme == "delta" else config.warehouse
        landing = str(config.landing.absolute()) if isinstance(config.landing, Path) else config.landing
        return {**config.raw, "landing": landing, "warehouse": warehouse}

    @cached_property
    def _entries(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(entry.get("name")): entry for entry in self.workspace.config.raw["accounts"]}

    def build(self, shard: str, jobs: Sequence[LoadJob]) -> LoadTask:
        """Return the task for some jobs of a shard."""
        return LoadTask(
            run_id=self.workspace.run_id,
            command=self.workspace.command,
            shard=shard,
            half=self.half,
            refetch=self.refetch,
            run_started_at=self.run_started_at,
            failed_since=self.failed_since,
            file_name=self.workspace.config.path.name,
            raw=select_raw(self._raw, [self._entries[job.account.name] for job in jobs]),
            days={job.account.name: job.days for job in jobs},
        )
