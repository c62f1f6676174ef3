"""Erasure of people from batches that earlier releases landed in two files. Personal fields are not known here.

The new body is a file of its own, named by the manifest that takes the place of the old one: the two change at once.
The manifest keeps the hash of what came, so that the batch keeps its id.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from extractors.landing.batch import Batch
from extractors.landing.batch_files import BatchFiles, open_unpacked
from extractors.landing.body_file import BodyFile
from extractors.landing.erasure import BatchEraser, Eraser
from extractors.landing.landed_files import (
    keep_landed,
    list_landed,
    remove_landed,
    settle_landed,
    write_landed,
)

_PIECE_BYTES = 2**20


def erase_file_batches(root: Path, batches: list[Batch], eraser: Eraser) -> None:
    """Rewrite those of some batches in files that hold people. Their account's lock must be held.

    After a kill this can be done again. Raises ValueError for a damaged batch, and OSError.
    """
    bodies: set[Path] = set()
    current: set[Path] = set()
    for batch in batches:
        if isinstance(batch.source, BatchFiles):
            _erase_batch(root, batch, batch.source, eraser.open_batch(batch.stream, batch.window))
            folder, prefix = batch.source.manifest_path.parent, f"{batch.window}.{batch.content_hash}."
            bodies.update(path for path in list_landed(folder, ".zst") if path.name.startswith(prefix))
            current.add(batch.source.body_path)
    for path in bodies - current:  # arrivals may share a body: it goes when none of them names it
        remove_landed(path)
    for account_folder in {path.parent.parent for path in bodies}:
        settle_landed(account_folder)


def search_file_batch(batch: Batch, eraser: BatchEraser, text: str | None) -> tuple[bool, bool]:
    """Return whether a batch in files holds people, and whether ``text`` stands where none are expected.

    Raises ValueError for a damaged batch, and OSError.
    """
    source = batch.source
    if not isinstance(source, BatchFiles):
        return False, False
    wanted = text.encode() if text else b""
    is_held = is_elsewhere = False
    for part, body in source.iter_bodies():
        erased = b"".join(eraser.erase_body([body]))
        is_held = is_held or erased != body
        is_elsewhere = is_elsewhere or bool(wanted and wanted in erased)
        for fields in (part.request, part.context, part.headers):
            is_held = is_held or eraser.erase_description(fields) != fields
    return is_held, is_elsewhere


def _erase_batch(root: Path, batch: Batch, source: BatchFiles, eraser: BatchEraser) -> None:
    manifest = source.read_manifest()
    folder = source.manifest_path.parent
    body = BodyFile(root, folder, f"{batch.window}.{batch.content_hash}")
    try:
        with open_unpacked(source.body_path) as read:
            parts = [_erase_part(part, read, body, eraser) for part in manifest["parts"]]
        if parts == manifest["parts"]:
            return
        name = body.finish()
    finally:
        body.discard()
    erased = {**manifest, "parts": parts, "erased": {"body_file": name, "bytes": body.size, "sha256": body.sha256}}
    keep_landed(folder / name)
    write_landed(source.manifest_path, json.dumps(erased, ensure_ascii=False).encode())


def _erase_part(
    part: dict[str, Any], read: Callable[[int], bytes], body: BodyFile, eraser: BatchEraser
) -> dict[str, Any]:
    """Copy one response without the people; return its part of the manifest."""
    digest, size = hashlib.sha256(), 0
    for piece in eraser.erase_body(_iter_part(read, part["bytes"])):
        body.write(piece)
        digest.update(piece)
        size += len(piece)
    described = {name: eraser.erase_description(part[name]) for name in ("asked", "context", "headers")}
    return {**part, **described, "bytes": size, "sha256": digest.hexdigest()}


def _iter_part(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = read(min(size, _PIECE_BYTES))
        if not piece:
            raise ValueError("a landed file ends before its manifest says")
        size -= len(piece)
        yield piece
