"""The way to an object store: its address, region and retries. Credentials are those of the environment.

What must not come in: what is stored there.
"""

from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

from warehouse.errors import UnsupportedStore
from warehouse.storage.lake_settings import LakeSettings

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

RETRY_SECONDS = 120
"""How long a request is tried again while the store answers 500 or 503, or not at all."""


def open_object_store(s3_url: str, settings: LakeSettings) -> "S3Store":
    """Return the objects below `s3://bucket/prefix`. No request is sent.

    Raises UnsupportedStore for an address without encryption that was not allowed.
    """
    from obstore.store import S3Store

    resolved = require_allowed(s3_url, settings)
    config: S3Config = {"region": resolved.region or ""}
    if resolved.endpoint:
        config["endpoint"] = resolved.endpoint
    return S3Store.from_url(
        s3_url,
        config=config,
        client_options={"allow_http": resolved.is_plain},
        retry_config={"retry_timeout": timedelta(seconds=RETRY_SECONDS)},
    )


def require_library(url: str) -> None:
    """Raise UnsupportedStore when the library of object stores is not installed. It is not imported."""
    if find_spec("obstore") is None:
        raise UnsupportedStore(
            f"{url} is in an object store, and the library for it is not installed: run "
            "`pip install 'chatmart[lake]'`, or give a folder instead."
        )


def require_allowed(url: str, settings: LakeSettings) -> LakeSettings:
    """Return the settings with those of the environment. Raises UnsupportedStore for a plain address not allowed."""
    resolved = settings.resolve()
    if resolved.is_plain and not resolved.allow_http:
        raise UnsupportedStore(
            f"The object store of {url} is {resolved.endpoint}, an address without encryption: give one that begins "
            "with https://, or set `object_store: {allow_http: true}` or AWS_ALLOW_HTTP=true for a store in your own "
            "network."
        )
    return resolved


def delta_options(resolved: LakeSettings) -> Mapping[str, str]:
    """Return the options by which the library of Delta tables gets there."""
    options = {"AWS_REGION": resolved.region or "", "AWS_ALLOW_HTTP": str(resolved.is_plain).lower()}
    return {**options, "AWS_ENDPOINT_URL": resolved.endpoint} if resolved.endpoint else options
