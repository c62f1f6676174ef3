"""A provider's job in the form that Dagster can re-execute: by the name of a function, and its arguments."""

from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.configuration.config import load_config
from pipelines.orchestration.build import build_definitions

_numbers = count()


def refer_to_job(config: Path) -> Any:
    """Return a reference to the Cognigy job of a configuration as it is now: Dagster caches jobs by the arguments."""
    return dg.build_reconstructable_job(__name__, build_job.__name__, (str(config), next(_numbers)))


def build_job(config: str, _number: int) -> dg.JobDefinition:
    return build_definitions(load_config(Path(config))).resolve_job_def("load_cognigy")
