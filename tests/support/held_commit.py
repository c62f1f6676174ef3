"""A preload of a Dask worker that holds its first commit to the lake until the test releases it. No expectations.

The files `held`, `release` and `outcome` are in the worker's working folder.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.log import DeltaLog

HELD, RELEASE, OUTCOME = Path("held"), Path("release"), Path("outcome")

POINT = "HELD_COMMIT_POINT"
"""The variable that says where: at the `lake`, before its locks are asked, or at the `log`, after it."""


def dask_setup(_worker: object) -> None:
    owner: Any = {"lake": Lake, "log": DeltaLog}[os.environ[POINT]]
    commit: Callable[..., None] = owner.commit

    def hold_first(*arguments: Any) -> None:
        owner.commit = commit
        HELD.touch()
        while not RELEASE.exists():
            time.sleep(0.01)
        try:
            commit(*arguments)
        except WarehouseError as error:
            OUTCOME.write_text(f"{type(error).__name__}: {error}")
            raise
        OUTCOME.write_text("committed")

    owner.commit = hold_first
