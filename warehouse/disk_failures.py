"""Failures of the disk and of the rights to it: what happened, and what a person can do about it.

The engine tells of them in words, the operating system in numbers. What must not come in: what was being written.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import StorageFailed

_DISK_REMEDIES = {
    errno.ENOSPC: "free some space there, or move it to a larger disk",
    errno.EDQUOT: "free some space there, or raise the quota of this user",
    errno.EFBIG: "raise the limit of this user for the size of a file (ulimit -f)",
    errno.EACCES: "see that this user may read and write there",
    errno.EPERM: "see that this user may read and write there",
    errno.EROFS: "mount it writable, or move it to another disk",
    errno.ENOLCK: "its file system has no locks: turn them on (NFS: the lock service), or move it to a local disk",
    errno.ENOSYS: "its file system has no locks: turn them on (NFS: the lock service), or move it to a local disk",
    errno.EIO: "look at the disk's health; `chatmart check --repair` finds and mends what is damaged",
    errno.EMFILE: "raise the limit of this user for open files (ulimit -n)",
    errno.ENFILE: "raise this machine's limit for open files",
    errno.ESTALE: "mount it again: its server has replaced it",
}
_OTHER_REMEDIES = {
    errno.ENOTDIR: "a file stands where a folder must be; choose another place",
    errno.EISDIR: "a folder stands there; name a file in it",
    errno.EEXIST: "something stands there already; choose another place",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
    errno.ELOOP: "its links lead in a circle; name the file itself",
    errno.ENOENT: "choose another place",
    errno.EADDRINUSE: "another program listens there; end it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; choose another",
    errno.ECONNREFUSED: "nothing listens there; start it, or look at the address",
    errno.EHOSTUNREACH: "look at the network, and at the address",
    errno.ENETUNREACH: "look at the network, and at the address",
    errno.ETIMEDOUT: "look at the network, and at the address",
}
"""The remedies of what is no failure of a disk: a wrong path, or an address in the network."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ANSWER = re.compile(r"<Code>(?P<code>\w+)</Code>\s*(?:<Message>(?P<message>[^<]*?)\.?</Message>)?")
_UNREACHABLE = re.compile(r"Error performing [A-Z]+ (?P<host>\w+://[^/\s]+).*?error sending request", re.DOTALL)
_ROLE_SERVER = "http://169.254.169.254"  # asked when the environment has no credentials; it answers in clouds alone
_CAUSE = re.compile(r"\u21b3 *(.+)")
_WORDS = {os.strerror(number): number for number in _DISK_REMEDIES}


def describe_os_error(error: OSError, path: object = None) -> str:
    """Return a sentence with the path, the cause and what to do. `path` is the place when the error names none."""
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else path
    cause = error.strerror or str(error) or type(error).__name__
    remedy = {**_OTHER_REMEDIES, **_DISK_REMEDIES}.get(error.errno or 0)
    missing = _find_missing_folder(place) if error.errno == errno.ENOENT else None
    if missing is not None:
        remedy = f"there is no folder {missing}; make it, or choose another place"
    return f"{f'{place}: ' if place else ''}{cause}{f'; {remedy}' if remedy else ''}"


def _find_missing_folder(place: object) -> Path | None:
    """Return the folder of a file that is missing because its folder is; None where the folder is there."""
    folder = Path(str(place)).parent if place and "://" not in str(place) else None
    return folder if folder is not None and not folder.exists() else None


def find_disk_failure(error: duckdb.Error) -> OSError | None:
    """Return the failure of the disk that an error of the engine tells of; None for any other error."""
    number = _find_number(str(error))
    return OSError(number, os.strerror(number)) if number is not None else None


def is_disk_failure(error: Exception) -> bool:
    """Return whether an error of a library tells, in words, of the disk or of the rights to it."""
    return _find_number(str(error)) is not None


def _find_number(text: str) -> int | None:
    return next((number for words, number in _WORDS.items() if words in text), None)


def describe_store_error(error: Exception, address: str) -> str:
    """Return a sentence with the address, the cause and, where it is known, what to do.

    `error` is one of a library that tells of the disk, or of an object store and its answer, in many words.
    """
    failure = _find_number(str(error))
    if failure is not None:
        return describe_os_error(OSError(failure, os.strerror(failure)), address)
    text = _COLOUR.sub("", str(error)).partition("Debug source")[0]
    unreachable = _UNREACHABLE.search(text)
    if unreachable and unreachable["host"] == _ROLE_SERVER:
        return (
            f"{address}: there are no credentials for its object store; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment, or give this machine a role"
        )
    if unreachable:
        return (
            f"{address}: {unreachable['host']} does not answer; look at `object_store: {{endpoint}}` in the "
            "configuration, at the network, and whether the object store runs"
        )
    answer = _ANSWER.search(text)
    if answer:
        return (
            f"{address}: {answer['message'] or answer['code']} ({answer['code']}); look at the address, at "
            "`object_store: {endpoint, region}` in the configuration, and at the credentials in the environment"
        )
    causes = _CAUSE.findall(text) or text.strip().splitlines()[:1]
    return f"{address}: {causes[-1].strip()}"


@contextmanager
def name_disk_failures(path: Path) -> Iterator[None]:
    """Raise StorageFailed, with `path`, when the disk fails inside the block or refuses access."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(describe_os_error(error, path)) from error
    except duckdb.Error as error:
        failure = find_disk_failure(error)
        if failure is None:
            raise
        raise StorageFailed(describe_os_error(failure, path)) from error
