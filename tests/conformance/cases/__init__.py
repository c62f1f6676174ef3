"""The cases of a provider: the facts of its API that the conformance suite cannot know. One module per provider.

Types and the look-up by name only. The suite is ``tests/conformance/test_provider.py``; the shapes are also combined by
``tests/support/shape_combinations.py``, and the least requests are printed by ``benchmarks/requests.py``.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from extractors.windows import Window
from sandbox.account import SandboxAccount
from sandbox.world import World
from tests.support.day_range import DayRange

LeastRequests: TypeAlias = Callable[[World, SandboxAccount, DayRange], int]
"""Returns the least number of requests that an account's default streams take for a range of its local days."""

OVER_TWO_MONTHS = DayRange(date(2025, 3, 28), date(2025, 4, 1))
"""Days with a clock change (Berlin, 30 March) and the end of a month."""

DAY = Window.of_day(date(2025, 3, 11))
"""An ordinary day."""

ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata")
"""The zones of the accounts: two with clock changes, days of UTC, and an offset with half an hour."""

COMMON_SHAPES: Mapping[str, Sequence[Any]] = {
    "numbers": ("int", "float", "string"),
    "money": ("number", "string"),
    "extra_fields": (False, True),
}
"""The values of the shapes that all providers share; the first is the default."""


@dataclass(frozen=True)
class AccountVariant:
    """One way to set up an account.

    ``traits`` are attributes of its `SandboxAccount`. ``settings`` are configuration keys; without ``streams`` all
    streams of the provider are enabled. ``name_conversations`` sets ``conversation_ids`` to those of the loaded days.
    """

    traits: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    name_conversations: bool = False


@dataclass(frozen=True)
class Cases:
    """The facts of one provider.

    Attributes:
        streams: each stream with the most local days that one of its batches may cover; None without a limit.
        least_requests: the least requests by the vendor's reference, worked out without a look at the extractor.
        shapes: each shape of the provider's own that can be loaded, with its values, the default first.
        window: the days of the comparisons of requests and bytes.
        variants: ways to set up an account; each is loaded with some of the shapes.
        zones: the zones that the provider can serve.
        request_shapes: shapes in use while requests are counted.
        response_secrets: texts that responses hold and that must not be landed.
        empty_bodies: bodies by which the provider says that there is nothing.
        undated_streams: streams whose responses name no day, so that one for other days cannot be recognised.
        names_of_digits: places of ids and names that may consist of digits.
        signed_figures: places of numbers that may be negative.
    """

    streams: Mapping[str, int | None]
    least_requests: LeastRequests
    shapes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    window: DayRange = OVER_TWO_MONTHS
    variants: Sequence[AccountVariant] = (AccountVariant(),)
    zones: Sequence[str] = ZONES
    request_shapes: Mapping[str, Any] = field(default_factory=dict)
    response_secrets: Sequence[str] = ()
    empty_bodies: Sequence[str] = ()
    undated_streams: Sequence[str] = ()
    names_of_digits: Sequence[str] = ()
    signed_figures: Sequence[str] = ()


def get_cases(provider: str) -> Cases:
    """Return the cases of a provider. Raises ModuleNotFoundError for a provider without a module here."""
    cases: Cases = importlib.import_module(f"tests.conformance.cases.{provider}").CASES
    return cases
