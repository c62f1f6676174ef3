"""The response shapes that Inkeep's reference leaves open.

Values only. The comment of a field lists its values; the first is the default.
"""

from dataclasses import dataclass

from sandbox.common_shapes import CommonShapes


@dataclass
class InkeepShapes(CommonShapes):
    """Shapes of Inkeep's responses."""

    inkeep_page_size: int = 100
    inkeep_buckets: str = "date"  # date | instant | space
