"""An S3-compatible object store for tests: one per process, on a free port, with one bucket."""

import atexit
import logging
import os
import warnings
from functools import cache

import httpx

BUCKET = "lake"


@cache
def start_object_store(listen_on: str = "127.0.0.1") -> str:
    """Start the store, set the environment of this process to it, and return its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(listen_on, 0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ALLOW_HTTP="true",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="invented",
        AWS_SECRET_ACCESS_KEY="invented",
    )
    return endpoint
