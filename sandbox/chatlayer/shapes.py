"""The response shapes that Chatlayer's reference leaves open.

Values only. The comment of a field lists its values; the first is the default.
"""

from dataclasses import dataclass

from sandbox.common_shapes import CommonShapes


@dataclass
class ChatlayerShapes(CommonShapes):
    """Shapes of Chatlayer's responses."""

    chatlayer_x_values: str = "rfc3339"  # rfc3339 | rfc3339_offset | date (day buckets only) | epoch_s | epoch_ms
    chatlayer_buckets: str = "all"  # all | sparse
    chatlayer_labels: str = "both"  # both | labels | series_labels
    chatlayer_zeros: str = "omit"  # omit | keep
    chatlayer_empty: str = "bare"  # bare: {} | data: {"data": {}}
    chatlayer_int64: str = "string"  # string | number
    chatlayer_short_range: str = "refuse"  # refuse | allow: a range no longer than its bucket
    chatlayer_page: int = 7  # intents on a page at most, whatever `first` asks for
