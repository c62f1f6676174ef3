"""The registry of providers. A sixth provider is one line here.

``extractors.<provider>.provider`` exports ``PROVIDER: Provider``, and ``extractors.<provider>.account`` exports
``ACCOUNT``, its subclass of ``Account``. Both are imported by name when they are first needed, so that the names alone,
or the settings of an account, cost no import of an HTTP client; nothing else of a provider may be imported here.

>>> from datetime import date
>>> from extractors.windows import Window
>>> cognigy = get_provider("cognigy")
>>> sorted(cognigy.streams)
['call_counter', 'conversation_counter', 'knowledge_query_counter']
>>> account = cognigy.account(name="acme", project_id="5f0c2f4e8a1b2c3d4e5f6a7b", api_key="secret")
>>> windows = cognigy.streams["call_counter"].windows(account, Window(date(2025, 1, 30), date(2025, 2, 2)))
>>> [str(window) for window in windows]
['2025-01-30_2025-02-01', '2025-02-01_2025-02-02']
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # at run time only the module of a provider needs them
    from extractors.account import Account
    from extractors.provider import Provider

__all__ = ["PROVIDERS", "get_account_model", "get_provider"]

PROVIDERS = (
    "cognigy",
    "chatdash",
    "chatlayer",
    "chatcaptain",
    "inkeep",
)


def get_account_model(name: str) -> "type[Account]":
    """Return the model of a provider's accounts; raises KeyError for a name that is not in ``PROVIDERS``.

    >>> get_account_model("inkeep").__name__
    'InkeepAccount'
    """
    model: type[Account] = _import_module(name, "account").ACCOUNT
    return model


def get_provider(name: str) -> "Provider[Any]":
    """Return the provider of that name; raises KeyError for a name that is not in ``PROVIDERS``.

    >>> get_provider("inkeep").account.__name__
    'InkeepAccount'
    """
    provider: Provider[Any] = _import_module(name, "provider").PROVIDER
    return provider


def _import_module(name: str, module: str) -> ModuleType:
    if name not in PROVIDERS:
        raise KeyError(name)
    return importlib.import_module(f"extractors.{name}.{module}")
