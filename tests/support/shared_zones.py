"""The one account of the tests of shared landing zones, as a machine or the store has it. No expectations."""

import os

from extractors.landing.shared_zone import SharedLandingZone
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import list_batches

ACCOUNT = ("cognigy", "acme")
PREFIX = "provider=cognigy/account=acme/"
LARGE = os.urandom(2**20 + 1)
"""A body that becomes an object of its own."""


def read_bodies(zone: SharedLandingZone) -> list[list[bytes]]:
    """Return the bodies of each batch of the account, as a machine sees them that looks at the store first."""
    zone.refresh([ACCOUNT])
    return [[body for _, body in batch.iter_bodies()] for batch in list_batches(zone)]


def list_objects(bucket: LandingBucket) -> list[str]:
    """Return the names of the account's objects."""
    return [name.removeprefix(PREFIX) for name in bucket.read_all()]


def list_here(zone: SharedLandingZone) -> list[str]:
    """Return the names of the account's files on a machine, below its folder."""
    folder = zone.account_folder(*ACCOUNT)
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in paths)
