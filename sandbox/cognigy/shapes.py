"""The response shapes that Cognigy's reference leaves open.

Values only. The comment of a field lists its values; the first is the default.
"""

from dataclasses import dataclass

from sandbox.common_shapes import CommonShapes


@dataclass
class CognigyShapes(CommonShapes):
    """Shapes of Cognigy's responses."""

    cognigy_empty_days: str = "omit"  # omit | zero
    cognigy_per_channel: str = "list"  # list | absent | empty
    cognigy_error_code: str = "number"  # number | string
