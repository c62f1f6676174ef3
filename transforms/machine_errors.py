"""Errors of the machine, which say nothing about a response: a full disk, missing rights, no memory. No provider."""

import errno

_MACHINE_NUMBERS = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC,
        errno.EPERM, errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip
_ENGINE_ERRORS = frozenset({"IOException", "OutOfMemoryException"})
"""The engine's own errors, by name: a transform that does not use the engine does not import it."""


def is_machine_error(error: Exception) -> bool:
    """Return whether an error is one of the machine: the same response can be read when that is mended."""
    if isinstance(error, OSError):
        return error.errno in _MACHINE_NUMBERS
    return isinstance(error, MemoryError) or type(error).__name__ in _ENGINE_ERRORS
