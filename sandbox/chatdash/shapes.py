"""The response shapes that ChatDash's reference leaves open.

Values only. The comment of a field lists its values; the first is the default.
"""

from dataclasses import dataclass

from sandbox.common_shapes import CommonShapes


@dataclass
class ChatdashShapes(CommonShapes):
    """Shapes of ChatDash's responses."""

    chatdash_totals: str = "total"  # total (with many counts) | total_only | one_count | neither
    chatdash_tokens: str = "list"  # list | absent
    chatdash_refusal: str = "named"  # named | unnamed: whether a 400 names the metric
    chatdash_top: int = 10  # members of a top list at most
