"""The mask of new files while the engine works: it creates files itself, and offers no mode for them.

What must not come in: paths, SQL.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_OWNER_ONLY = 0o077

_lock = Lock()
_users: list[int] = []
"""The masks that the users of this process found, the first one's at the beginning."""


@contextmanager
def private_umask() -> Iterator[None]:
    """Within the block, every file and folder that this process creates is for its owner only.

    The mask belongs to the whole process. It is restored when the last of several blocks, in any thread, has ended.
    """
    with _lock:
        _users.append(os.umask(_OWNER_ONLY))
    try:
        yield
    finally:
        with _lock:
            mask = _users.pop()
            if not _users:
                os.umask(mask)
