"""The record of a program's system calls as operations of a disk: paths and open files become numbers.

Calls outside of the recorded folder are left out. A kind of call that is not understood here raises ValueError.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.power_cut.disk import ROOT, Disk, Operation, SetLength, SetNames, Sync, WriteData
from tests.power_cut.trace import Call

_CURRENT_FOLDER = "AT_FDCWD"
_OF_OPEN_FILE = ("close", "dup", "dup2", "dup3", "lseek", "ftruncate", "fsync", "fdatasync")
_NEVER = ("chdir", "fchdir", "io_uring_setup", "truncate", "symlink", "symlinkat", "sync")
_SOURCE_OFFSET = re.compile(r"\[(\d+)\]")


@dataclass
class OpenFile:
    """An open file or folder of the recorded folder, with its position."""

    node: int
    position: int = 0
    appends: bool = False


@dataclass
class CallRecorder:
    """Translates calls of one process (any number of threads) whose working folder is the recorded `folder`."""

    folder: Path
    disk: Disk = field(default_factory=Disk)
    operations: list[Operation] = field(default_factory=list)
    first_files: dict[str, bytes] = field(default_factory=dict)
    _open: dict[int, OpenFile] = field(default_factory=dict)
    _began: dict[int, int] = field(default_factory=dict)
    _last_node: int = ROOT

    def put_first_files(self) -> None:
        """Take the files that lie in the folder as files that are on the disk."""
        for path in sorted(self.folder.iterdir()):
            self.first_files[path.name] = path.read_bytes()
        self.disk = self.new_disk()
        self._last_node = len(self.first_files)

    def new_disk(self) -> Disk:
        """Return the disk as it was before the first operation."""
        disk = Disk()
        for number, (name, content) in enumerate(self.first_files.items(), start=1):
            disk.put(name, number, content)
        return disk

    def add(self, calls: Iterable[Call]) -> None:
        """Add the calls of a process. Raises ValueError for calls that are not understood."""
        self._open, self._began = {}, {}
        for call in calls:
            if call.result is None:
                self._began[call.thread] = len(self.operations)
                if call.name == "close":  # its number may be given away before the call ends
                    self._close(call)
                continue
            began = self._began.pop(call.thread, None)
            if call.result >= 0 and not (call.name == "close" and began is not None):
                for operation in self._translate(call, len(self.operations) if began is None else began):
                    self.disk.do(operation)
                    self.operations.append(operation)

    def list_differences(self) -> list[str]:
        """Return the paths at which the real folder is not what the operations make it; empty for a good record."""
        tree = self.disk.list_tree()
        real = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*")}
        differing = set(tree) ^ set(real)
        for name in set(tree) & set(real):
            if real[name].is_file() and real[name].read_bytes() != self.disk.read(tree[name]):
                differing.add(name)
        return sorted(differing)

    def _translate(self, call: Call, began: int) -> Iterator[Operation]:
        if call.name in ("open", "openat", "creat"):
            yield from self._open_file(call)
        elif call.name in ("write", "writev", "pwrite64", "sendfile", "copy_file_range"):
            yield from self._write(call)
        elif call.name.startswith(("mkdir", "unlink", "rmdir", "rename", "link")):
            yield from self._change_names(call)
        elif call.name in _OF_OPEN_FILE:
            yield from self._use_open_file(call, began)
        else:
            self._check_other(call)

    def _use_open_file(self, call: Call, began: int) -> Iterator[Operation]:
        numbers = call.numbers()
        file = self._file(numbers[0])
        if call.name == "close":
            self._close(call)
        elif call.name.startswith("dup"):
            self._forget(call.result)
            if file is not None:
                self._open[call.result or 0] = file
        elif file is not None and call.name == "lseek":
            file.position = call.result or 0
        elif file is not None and call.name == "ftruncate":
            yield SetLength(file.node, int(numbers[1]))
        elif file is not None:
            yield Sync(file.node, began)

    def _open_file(self, call: Call) -> Iterator[Operation]:
        self._forget(call.result)
        [place] = self._places(call)
        if place is None:
            return
        parent, name = place
        node = self.disk.names.get(parent, {}).get(name) if name else ROOT
        flags = call.arguments
        if node is None:
            node = self._new_node()
            yield SetLength(node, 0)
            yield SetNames(((parent, name, node),))
        elif "O_TRUNC" in flags and self.disk.read(node):
            yield SetLength(node, 0)
        if "O_SYNC" in flags or "O_DSYNC" in flags:
            raise ValueError("the program opens a file that is synced with each write")
        self._open[call.result or 0] = OpenFile(node, 0, "O_APPEND" in flags)

    def _write(self, call: Call) -> Iterator[Operation]:
        numbers, size = call.numbers(), call.result or 0
        source = None
        if call.name == "copy_file_range":
            file, source = self._file(numbers[2]), self._file(numbers[0])
        else:
            file = self._file(numbers[0])
            source = self._file(numbers[1]) if call.name == "sendfile" else None
        if file is None or not size:
            return
        if call.name in ("copy_file_range", "sendfile"):
            if source is None:
                raise ValueError(f"{call.name} from a file outside of the recorded folder")
            named = _SOURCE_OFFSET.search(call.arguments)
            start = int(named[1]) if named else source.position
            data = bytes(self.disk.read(source.node)[start : start + size])
            if not named:
                source.position += size
        else:
            data = b"".join(call.strings())[:size]
        if call.name == "pwrite64":
            yield WriteData(file.node, int(numbers[-1]), data)
            return
        offset = len(self.disk.read(file.node)) if file.appends else file.position
        file.position = offset + size
        yield WriteData(file.node, offset, data)

    def _change_names(self, call: Call) -> Iterator[Operation]:
        places = self._places(call)
        if all(place is None for place in places):
            return
        if None in places:
            raise ValueError(f"{call.name} between the recorded folder and another")
        parent, name = places[0] or (ROOT, "")
        if call.name.startswith("mkdir"):
            node = self._new_node()
            self.disk.names[node] = {}
            yield SetNames(((parent, name, node),))
        elif len(places) == 1:
            yield SetNames(((parent, name, None),))
        else:
            node = self.disk.names[parent][name]
            new_parent, new_name = places[1] or (ROOT, "")
            if self.disk.names.get(new_parent, {}).get(new_name) == node:
                return  # of two names of one file, neither goes
            removed = () if call.name.startswith("link") else ((parent, name, None),)
            yield SetNames((*removed, (new_parent, new_name, node)))

    def _places(self, call: Call) -> list[tuple[int, str] | None]:
        """Return the folder and the name of each path among the arguments; None for one outside."""
        bases = [part for part in call.numbers() if part == _CURRENT_FOLDER or part.isdecimal()]
        has_bases = call.name != "creat" and call.name.endswith(("at", "at2"))
        return [
            self._find_place(os.fsdecode(path), bases[number] if has_bases else _CURRENT_FOLDER)
            for number, path in enumerate(call.strings())
        ]

    def _find_place(self, path: str, base: str) -> tuple[int, str] | None:
        folder = ROOT
        if PurePosixPath(path).is_absolute():
            whole = PurePosixPath(os.path.normpath(path))
            if not whole.is_relative_to(self.folder):
                return None
            parts = whole.relative_to(self.folder).parts
        else:
            if base != _CURRENT_FOLDER:
                opened = self._file(base)
                if opened is None:
                    return None
                folder = opened.node
            parts = PurePosixPath(os.path.normpath(path)).parts
            if ".." in parts:
                raise ValueError(f"a path that leaves its folder: {path}")
        if not parts:
            return folder, ""
        for part in parts[:-1]:
            folder = self.disk.names[folder][part]
        return folder, parts[-1]

    def _new_node(self) -> int:
        self._last_node += 1
        return self._last_node

    def _file(self, number: str) -> OpenFile | None:
        return self._open.get(int(number)) if number.isdecimal() else None

    def _close(self, call: Call) -> None:
        self._forget(int(call.numbers()[0]))

    def _forget(self, number: int | None) -> None:
        self._open.pop(number or 0, None)

    def _check_other(self, call: Call) -> None:
        """Refuse what would change a file in another way."""
        if call.name.startswith(("clone", "fork", "vfork")):
            if "CLONE_THREAD" not in call.arguments:
                raise ValueError("the program starts another one")
        elif call.name == "mmap":
            is_written = "MAP_SHARED" in call.arguments and "PROT_WRITE" in call.arguments
            if is_written and self._file(call.numbers()[4]):
                raise ValueError("the program writes to a file through memory")
        elif self._file(call.numbers()[0]) or call.name in _NEVER:
            raise ValueError(f"{call.name}({call.arguments[:80]}) is not understood")
