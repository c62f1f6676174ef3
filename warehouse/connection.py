"""A connection for other programs to what is published: it may live as long as they like, and cleans up after itself.

What must not come in: queries of our own, and a lock.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from weakref import finalize

import duckdb

from warehouse.engine import EngineLimits, connect_engine, use_utc, use_views


def connect_published(
    limits: EngineLimits, attach: Callable[[duckdb.DuckDBPyConnection], AbstractContextManager[None]]
) -> duckdb.DuckDBPyConnection:
    """Return a connection whose default database is `wh`, which `attach` makes of what is published.

    The engine is a new one in memory, because an engine never opens a newer file while it has an older one of the same
    name. It ends, and its temporary files go, when nobody refers to the connection any more. Raises what `attach`
    raises.
    """
    with ExitStack() as opened:
        spill = opened.enter_context(TemporaryDirectory(prefix="chatmart-"))
        engine = opened.enter_context(closing(connect_engine(limits, Path(spill))))
        opened.enter_context(attach(engine))
        # A second connection of the engine: what cleans up refers to the first, so the second one can be forgotten.
        connection = engine.cursor()
        use_utc(connection)
        connection.execute("USE wh")
        use_views(connection)
        finalize(connection, opened.pop_all().close)
    return connection
