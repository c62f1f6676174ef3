"""The folder of an export: it keeps a record of the files that were written, so that others' files stay.

What must not come in: the content of a file.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

RECORD_NAME = ".chatmart-export.json"
_FORMAT_VERSION = 1


class ForeignFolderError(Exception):
    """The folder holds files, and no export of this kind. The message is one sentence."""


@dataclass(frozen=True)
class ExportResult:
    """The files of an export, as paths in its folder. ``kept`` were changed by somebody, or are somebody's own."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def write_export(folder: Path, kind: str, contents: Mapping[str, bytes]) -> ExportResult:
    """Write the files of an export into a folder that is new, empty, or holds an earlier export of this kind.

    A file that somebody changed since it was written, or that was there before, is kept. A file that the export has no
    more is removed, unless it was changed. Raises ForeignFolderError for any other folder, and OSError.
    """
    hashes = _read_record(folder, kind)
    kept = tuple(name for name in contents if _is_foreign(folder / name, hashes.get(name, ())))
    written = tuple(name for name in contents if name not in kept)
    removed = tuple(
        name for name, known in hashes.items() if name not in contents and _read_hash(folder / name) in known
    )
    new_hashes = {name: [_hash(contents[name])] for name in written}
    kept_hashes = {name: list(hashes[name]) for name in kept if name in hashes}
    folder.mkdir(parents=True, exist_ok=True)
    # Before the files, with the old and the new of each: an export that was stopped between two finds its own again.
    both = {name: [*hashes.get(name, ()), *new_hashes.get(name, ())] for name in {**hashes, **new_hashes}}
    _write_record(folder, kind, both)
    for name in written:
        _write_file(folder / name, contents[name])
    for name in removed:
        (folder / name).unlink()
    _write_record(folder, kind, {**new_hashes, **kept_hashes})
    return ExportResult(written, kept, removed)


def _read_record(folder: Path, kind: str) -> Mapping[str, Collection[str]]:
    """Return the hashes of each file that earlier exports wrote. Raises ForeignFolderError."""
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise ForeignFolderError(f"{folder} is a file: name a folder")
    record = folder / RECORD_NAME
    if not record.is_file():
        if any(folder.iterdir()):
            raise ForeignFolderError(f"{folder} holds files that are no export of chatmart: name a new or empty folder")
        return {}
    try:
        content = json.loads(record.read_text("utf-8"))
        present_kind, files, format_version = content["kind"], content["files"], content["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ForeignFolderError(f"{record} cannot be read: remove it, or name a new folder") from error
    if format_version > _FORMAT_VERSION:
        raise ForeignFolderError(f"{folder} holds an export of a newer chatmart: name a new folder")
    if present_kind != kind:
        raise ForeignFolderError(f"{folder} holds an export for {present_kind}: name another folder for {kind}")
    hashes: Mapping[str, Collection[str]] = files
    return hashes


def _is_foreign(file: Path, known_hashes: Collection[str]) -> bool:
    return (file.is_symlink() or file.exists()) and _read_hash(file) not in known_hashes


def _read_hash(file: Path) -> str | None:
    """Return the hash of a file; None where there is none, such as for a folder or a link."""
    return _hash(file.read_bytes()) if file.is_file() and not file.is_symlink() else None


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _write_record(folder: Path, kind: str, hashes: Mapping[str, Collection[str]]) -> None:
    record: dict[str, Any] = {"format_version": _FORMAT_VERSION, "kind": kind, "files": dict(sorted(hashes.items()))}
    _write_file(folder / RECORD_NAME, (json.dumps(record, indent=1) + "\n").encode())


def _write_file(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
