"""Faults of the machine, as context managers around a command: disks, rights, locks, damaged files.

A fault of a disk or of rights passes with its block; damage stays. Mounts need root: `explain_missing_mounts`.
"""

import ctypes
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

_CAPABILITY_VERSION = 0x20080522
_FILE_RIGHTS = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: by these root may open each file


_BLOCK_BYTES = 2**18  # the engine's


@cache
def explain_missing_mounts() -> str:
    """Return why no disk can be mounted here; empty when one can."""
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    with TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, text=True, check=False)
        if done.returncode:
            return f"no small disk can be mounted here: {done.stderr.strip()}"
        _run("umount", "--lazy", folder)  # a thread of the engine may still close a file
    return ""


@contextmanager
def mount_disk(folder: Path) -> Iterator[None]:
    """Let a folder lie on a disk of its own, in memory. Its contents move there, and back at the end."""
    with TemporaryDirectory() as temporary:
        spare = Path(temporary) / "spare"
        _run("cp", "-a", f"{folder}/.", spare)
        _run("mount", "-t", "tmpfs", "tmpfs", folder)
        try:
            _run("cp", "-a", f"{spare}/.", folder)
            yield
            _run("mount", "-o", "remount,rw,size=0", folder)
            _run("rm", "-r", spare)
            _run("cp", "-a", f"{folder}/.", spare)
        finally:
            _run("umount", "--lazy", folder)  # a thread of the engine may still close a file
        _run("find", folder, "-mindepth", "1", "-delete")
        _run("cp", "-a", f"{spare}/.", folder)


@contextmanager
def full_disk(folder: Path, free_bytes: int, *, but: Path | None = None) -> Iterator[None]:
    """Let a folder, which is not empty, lie on a disk with room for some more bytes and no more.

    `but` is a folder inside it that lies on a disk of its own.
    """
    with mount_disk(folder), nullcontext() if but is None else mount_disk(but):
        status = os.statvfs(folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        _run("mount", "-o", f"remount,size={used + free_bytes}", folder)
        yield
        _run("mount", "-o", "remount,size=0", folder)


@contextmanager
def read_only_disk(folder: Path) -> Iterator[None]:
    """Let a folder lie on a disk that is mounted read-only."""
    with mount_disk(folder):
        _run("mount", "-o", "remount,ro", folder)
        yield


@contextmanager
def refused_rights(path: Path, mode: int) -> Iterator[None]:
    """Give a file or folder another mode, which counts for root too."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        with _without_file_rights():
            yield
    finally:
        path.chmod(before)


@contextmanager
def missing_locks() -> Iterator[None]:
    """Let the file system know no locks."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with mock.patch("filelock._unix.lock_fd_nonblocking", refuse):
        yield


def flip_bits(path: Path) -> None:
    """Change some bytes in the middle of a file; of a long one, in the middle of each block."""
    content = bytearray(path.read_bytes())
    for middle in range(min(len(content), _BLOCK_BYTES) // 2, len(content), _BLOCK_BYTES):
        for place in range(max(0, middle - 8), min(len(content), middle + 8)):
            content[place] ^= 0xFF
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    """Cut a file off in its middle."""
    os.truncate(path, path.stat().st_size // 2)


Damage = Callable[[Path], None]


@contextmanager
def _without_file_rights() -> Iterator[None]:
    """Take from this thread, and from those that it starts, the right of root to open each file."""
    if os.geteuid() != 0:
        yield
        return
    before = _read_capabilities()
    _write_capabilities([before[0] & ~_FILE_RIGHTS, *before[1:]])
    try:
        yield
    finally:
        _write_capabilities(before)


def _read_capabilities() -> list[int]:
    """Return the effective, permitted and inheritable capabilities of this thread, in two parts each."""
    sets = (ctypes.c_uint32 * 6)()
    _call_kernel("capget", sets)
    return list(sets)


def _write_capabilities(capabilities: list[int]) -> None:
    _call_kernel("capset", (ctypes.c_uint32 * 6)(*capabilities))


def _call_kernel(name: str, sets: ctypes.Array[ctypes.c_uint32]) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(header, sets):
        raise OSError(ctypes.get_errno(), f"{name} was refused")


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
