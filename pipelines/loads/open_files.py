"""The limit of open files of this process: a run holds a lock and a log for each of its accounts at once."""

import sys
from contextlib import suppress

FILES_PER_ACCOUNT = 12
"""The lock, the open segment, and the connections that an account may have at once, with room to spare."""

OTHER_FILES = 256


def allow_open_files(account_count: int) -> None:
    """Raise the soft limit to what so many accounts may need, as far as the hard limit allows.

    Many systems begin a process with 1,024, or 256. Nothing happens where there is no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    wanted = account_count * FILES_PER_ACCOUNT + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(ValueError, OSError):  # a system may refuse what its hard limit promises
        new = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))
