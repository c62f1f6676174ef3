"""Settings of a Delta lake: the way to its object store, and the shards of a new one.

What must not come in: credentials.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class LakeSettings:
    """The address of an object store and its region; None stands for those of the environment (`AWS_ENDPOINT_URL`).

    `allow_http` allows an address without encryption. `shards` is the number of shards of a lake that is created: the
    parts of its accounts that are written side by side.
    """

    endpoint: str | None = None
    region: str | None = None
    allow_http: bool = False
    shards: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether the address is one without encryption."""
        return (self.endpoint or "").startswith("http://")

    def resolve(self, environment: Mapping[str, str] = os.environ) -> "LakeSettings":
        """Return the settings with those of the environment in the place of None."""
        return LakeSettings(
            self.endpoint or _first(environment, _ENDPOINT_VARIABLES),
            self.region or _first(environment, _REGION_VARIABLES) or _DEFAULT_REGION,
            self.allow_http or environment.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true"),
            self.shards,
        )


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)
