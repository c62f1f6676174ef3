"""The response shapes that all vendors share: the form of numbers and money, unknown fields, a delay.

A shape of one vendor belongs in `sandbox/<provider>/shapes.py`.
"""

from dataclasses import dataclass
from typing import TypeVar


@dataclass
class CommonShapes:
    """Shapes of every vendor. The comment of a field lists its values; the first is the default."""

    numbers: str = "int"  # int | float | string: counts in every provider's responses
    money: str = "number"  # number | string
    extra_fields: bool = False  # objects hold a field, exports a column, that is in no vendor's reference
    delay_seconds: float = 0.0  # how long every vendor waits before it responds


S = TypeVar("S", bound=CommonShapes)
"""The shapes of one vendor, in `Vendor`, `ApiContext` and `TruthQuery`."""
