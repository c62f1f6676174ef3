"""One bucket, and the landing zones of two machines in it."""

from pathlib import Path

import pytest

from extractors.landing.shared_zone import SharedLandingZone
from tests.support.landing_bucket import LandingBucket


@pytest.fixture
def bucket() -> LandingBucket:
    return LandingBucket()


@pytest.fixture
def first(bucket: LandingBucket, tmp_path: Path) -> SharedLandingZone:
    return bucket.open_zone(tmp_path / "first")


@pytest.fixture
def second(bucket: LandingBucket, tmp_path: Path) -> SharedLandingZone:
    return bucket.open_zone(tmp_path / "second")
