"""Jobs, and when they start: each provider's daily load of its look-back, and a daily look at the star.

Which days a load is about is decided in ``partitions``; a schedule only names the range.
"""

from collections.abc import Mapping

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
