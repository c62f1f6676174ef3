"""The warehouse in a notebook or a script: `connect` gives a connection of DuckDB, `read` a DataFrame of pandas.

    import chatmart

    chatmart.read("select date, provider, conversations from conversation_daily")

Nothing here writes, requests anything from a provider, or needs the secrets of the accounts.
"""

from chatmart.reading import connect, read

__all__ = ["connect", "read"]
