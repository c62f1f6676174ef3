"""A disk in memory that knows which of its changes would survive a power cut.

The contents of a file survive when the file is synced, a name when its folder is synced. What was not synced may be
lost or kept, in whole or in part; what was synced is never undone. Nothing is known here of the program that writes.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

ROOT = 0
"""The number of the top folder. Its own name is on the disk from the start."""

PAGE_BYTES = 4096

NameLoss = Literal["lost", "kept", "first", "some"]
DataLoss = Literal["lost", "kept", "pages", "zeros"]
NAME_LOSSES: tuple[NameLoss, ...] = ("lost", "kept", "first", "some")
DATA_LOSSES: tuple[DataLoss, ...] = ("lost", "kept", "pages", "zeros")

Change = TypeVar("Change")


@dataclass(frozen=True)
class Loss:
    """What becomes of changes that were not synced.

    Names: all of them `lost` or `kept`, the `first` ones kept (a journal's order), or `some`. Data: all `lost` or
    `kept`, `pages` of it kept, or nothing kept but the length of the file, which is filled with `zeros`.
    """

    names: NameLoss
    data: DataLoss

    def __str__(self) -> str:
        return f"names {self.names}, data {self.data}"


LOSSES = tuple(Loss(names, data) for names in NAME_LOSSES for data in DATA_LOSSES)


@dataclass(frozen=True)
class WriteData:
    """Bytes written to a file (by its number) at an offset."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class SetLength:
    """A file cut off, or extended with zeros."""

    node: int
    length: int


@dataclass(frozen=True)
class SetNames:
    """Names that change together: each with its folder, and the number of what it names, None when it is removed."""

    names: tuple[tuple[int, str, int | None], ...]


@dataclass(frozen=True)
class Sync:
    """A sync of a file or a folder. It covers the first `covered` operations: those that had ended when it began."""

    node: int
    covered: int


Operation = WriteData | SetLength | SetNames | Sync
DataChange = WriteData | SetLength


@dataclass
class FileContent:
    """The contents of a file: as programs see it, as it was last synced, and the changes between the two."""

    current: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, DataChange]] = field(default_factory=list)


class Disk:
    """Files and folders by number. `operations` counts what was done so far."""

    def __init__(self) -> None:
        self.operations = 0
        self.names: dict[int, dict[str, int]] = {ROOT: {}}
        self._synced_names: dict[int, dict[str, int]] = {ROOT: {}}
        self._pending_names: list[tuple[int, SetNames]] = []
        self._contents: dict[int, FileContent] = {}

    def put(self, name: str, node: int, data: bytes) -> None:
        """Put a file into the top folder that is on the disk already."""
        self.names[ROOT][name] = self._synced_names[ROOT][name] = node
        self._contents[node] = FileContent(bytearray(data), bytearray(data))

    def do(self, operation: Operation) -> None:
        """Do one operation."""
        match operation:
            case SetNames():
                apply_names(self.names, [operation])
                self._pending_names.append((self.operations, operation))
            case Sync():
                self._sync(operation)
            case _:
                content = self._content(operation.node)
                apply_data(content.current, operation)
                content.pending.append((self.operations, operation))
        self.operations += 1

    def read(self, node: int) -> bytearray:
        """Return the contents of a file as programs see it."""
        return self._content(node).current

    def list_tree(self) -> dict[str, int]:
        """Return the number of every file and folder by its path, as programs see them."""
        return list_tree(self.names)

    def cut_power(self, loss: Loss, rng: random.Random) -> dict[str, bytes | None]:
        """Return what a power cut leaves: the contents of each file by its path, None for a folder."""
        names = {folder: dict(entries) for folder, entries in self._synced_names.items()}
        apply_names(names, choose_names([change for _, change in self._pending_names], loss.names, rng))
        return {
            path: choose_data(self._contents[node], loss.data, rng) if node in self._contents else None
            for path, node in list_tree(names).items()
        }

    def _content(self, node: int) -> FileContent:
        return self._contents.setdefault(node, FileContent())

    def _sync(self, sync: Sync) -> None:
        content = self._contents.get(sync.node)
        if content is not None:
            covered = [change for number, change in content.pending if number < sync.covered]
            content.pending = content.pending[len(covered) :]
            for change in covered:
                apply_data(content.synced, change)
            return
        covers = [
            number < sync.covered and any(folder == sync.node for folder, _, _ in change.names)
            for number, change in self._pending_names
        ]
        pairs = list(zip(self._pending_names, covers, strict=True))
        apply_names(self._synced_names, [change for (_, change), is_covered in pairs if is_covered])
        self._pending_names = [item for item, is_covered in pairs if not is_covered]


def apply_names(names: dict[int, dict[str, int]], changes: Sequence[SetNames]) -> None:
    """Change names in order."""
    for change in changes:
        for folder, name, node in change.names:
            if node is None:
                names.setdefault(folder, {}).pop(name, None)
            else:
                names.setdefault(folder, {})[name] = node


def apply_data(content: bytearray, change: DataChange) -> None:
    """Change the contents of a file."""
    if isinstance(change, SetLength):
        del content[change.length :]
        content.extend(bytes(change.length - len(content)))
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


def list_tree(names: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    """Return the number of each file and folder that can be reached from the top folder, by its path."""
    tree: dict[str, int] = {}
    waiting = [("", ROOT)]
    while waiting:
        prefix, folder = waiting.pop()
        for name, node in sorted(names.get(folder, {}).items()):
            tree[prefix + name] = node
            waiting.append((f"{prefix}{name}/", node))
    return tree


def choose_names(pending: Sequence[SetNames], loss: NameLoss, rng: random.Random) -> list[SetNames]:
    """Return the changes of names that were not synced and yet are kept, in order."""
    if loss == "first":
        return list(pending[: rng.randint(0, len(pending))])
    share = {"lost": 0.0, "kept": 1.0, "some": rng.uniform(0.1, 0.9)}[loss]
    return [change for change in pending if rng.random() < share]


def choose_data(content: FileContent, loss: DataLoss, rng: random.Random) -> bytes:
    """Return the contents of a file after a cut."""
    if loss == "lost" or not content.pending:
        return bytes(content.synced)
    if loss == "kept":
        return bytes(content.current)
    if loss == "zeros":
        return bytes(content.synced).ljust(len(content.current), b"\0")
    newer = bytearray(content.synced)
    for _, change in content.pending[: rng.randint(1, len(content.pending))]:
        apply_data(newer, change)
    length = rng.choice((len(newer), len(content.synced)))
    pages = []
    for start in range(0, length, PAGE_BYTES):
        page = bytes(rng.choice((newer, content.synced))[start : start + PAGE_BYTES])
        pages.append(page.ljust(min(PAGE_BYTES, length - start), b"\0"))
    return b"".join(pages)


def write_tree(folder: Path, tree: Mapping[str, bytes | None]) -> None:
    """Write files and folders (None) below a folder, for their owner only."""
    for path, content in tree.items():
        target = folder / path
        if content is None:
            target.mkdir(mode=0o700)
        else:
            target.write_bytes(content)
            target.chmod(0o600)
