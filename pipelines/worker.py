"""The preload of a Dask worker: ``dask worker tcp://scheduler:8786 --nthreads 1 --preload pipelines.worker``.

It gives the worker's process the log of the commands, without secrets, and imports the loads before the first task.
"""

import logging
import os

from pipelines.cli.logs import TEXT, configure_logging
from pipelines.loads.cluster import task as _task  # noqa: F401 -- the first task need not wait for it
from pipelines.loads.code_version import CODE_VERSION

log = logging.getLogger("chatmart.worker")


def dask_setup(_worker: object) -> None:
    """Prepare the process; Dask calls this when the worker starts. ``CHATMART_LOG`` is as for the commands."""
    os.umask(0o077)
    configure_logging(os.environ.get("CHATMART_LOG", TEXT), "info")
    log.info("this worker has the code %s", CODE_VERSION)
