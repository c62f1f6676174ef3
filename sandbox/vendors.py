"""The list of simulated vendors. A sixth vendor is one line here and one package `sandbox/<name>/`.

The loader has its own list (`extractors/registry.py`), independent of this one. Modules are imported by name, when
they are first needed; no other shared module may import a vendor's package.
"""

import importlib
from functools import cache
from typing import Any

from sandbox.vendor import Vendor

VENDOR_NAMES = (
    "cognigy",
    "chatdash",
    "chatlayer",
    "chatcaptain",
    "inkeep",
)


@cache
def get_vendor(name: str) -> Vendor[Any]:
    """Return the declaration of a vendor. Raises KeyError for a name that is not in the list.

    >>> get_vendor("inkeep").default_streams
    ('conversations', 'conversation_totals')
    """
    if name not in VENDOR_NAMES:
        raise KeyError(name)
    vendor: Vendor[Any] = importlib.import_module(f"sandbox.{name}").VENDOR
    return vendor


def list_vendors() -> tuple[Vendor[Any], ...]:
    """Return the declarations of all vendors, in the order of the list."""
    return tuple(get_vendor(name) for name in VENDOR_NAMES)
