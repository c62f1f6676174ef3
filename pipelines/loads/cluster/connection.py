"""The connection of a driver to the scheduler of a Dask cluster. No task is submitted here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from extractors.errors import ChatmartError, ConfigError
from pipelines.configuration.settings import cluster_address

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 15
"""The longest wait for the scheduler: at the start, and after it was lost."""


class ClusterLost(ChatmartError):
    """The scheduler or all workers are gone. What was committed before stays committed."""


def describe_lost_scheduler(executor: str) -> str:
    """Return the sentence about a scheduler that cannot be reached."""
    return (
        f"executor {executor}: its scheduler cannot be reached; see that it runs, and run the same command again to go "
        "on: what is landed is not requested again"
    )


def _silence_library() -> None:
    """Keep traces out of the output: what is lost is said in a sentence. Its import has set levels of its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def open_client(executor: str) -> Iterator["Client"]:
    """Connect to the scheduler of an executor, and disconnect at the end: tasks that are left are given up then.

    Raises ConfigError when Dask is not installed, ClusterLost when the scheduler cannot be reached.
    """
    if find_spec("distributed") is None:
        problem = f"executor: {executor} is a Dask cluster, and the libraries for it are not installed: run "
        raise ConfigError([f"{problem}`pip install 'chatmart[cluster]'`, or set executor to local"])
    from distributed import Client  # imported late: one machine does without

    _silence_library()
    try:
        client = Client(cluster_address(executor), timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        raise ClusterLost(describe_lost_scheduler(executor)) from error
    try:
        yield client
    finally:
        client.close(timeout=CONNECT_SECONDS)
