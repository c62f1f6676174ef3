"""The warehouse in a notebook or a script: `connect` gives a connection of DuckDB, `read` a DataFrame of pandas.

    import chatmart

    chatmart.read("select date, provider, conversations from conversation_daily")

Nothing here writes, requests anything from a provider, or needs the secrets of the accounts. `ChatmartComponent`, which
brings a configuration into a Dagster project, imports Dagster when it is first used.
"""

from typing import TYPE_CHECKING, Any

from chatmart.reading import connect, read

if TYPE_CHECKING:
    from pipelines.orchestration.component import ChatmartComponent

__all__ = ["ChatmartComponent", "connect", "read"]


def __getattr__(name: str) -> Any:
    if name != "ChatmartComponent":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipelines.orchestration.component import ChatmartComponent

    return ChatmartComponent


def __dir__() -> list[str]:
    return [*globals(), "ChatmartComponent"]
