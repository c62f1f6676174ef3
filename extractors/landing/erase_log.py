"""Erasure of people from what is landed already: segments, and the bodies beside them, are rewritten.

A rewritten answer keeps the hash of the body that came, beside that of the body that stands now, so that its batch
keeps its id and its check. Which fields are personal is not known here.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractors.landing.batch_files import open_unpacked
from extractors.landing.body_file import BodyFile
from extractors.landing.erasure import BatchEraser, Eraser
from extractors.landing.index import LandingIndex
from extractors.landing.landed_files import INDEX_NAME, list_landed, remove_landed, settle_landed
from extractors.landing.lines import build_body_text, parse_inline_body
from extractors.landing.log_batches import BODIES_NAME
from extractors.landing.merge import remove_unreferenced_bodies, rewrite_segments
from extractors.landing.saved_index import SAVED_INDEXES_NAME
from extractors.landing.segments import Place, list_segments, scan_open, scan_sealed
from extractors.windows import Window

_PIECE_BYTES = 2**20


@dataclass
class Erasure:
    """What was rewritten in the landing zone: the numbers of the batches, the answers, and the records in them."""

    numbers: set[int] = field(default_factory=set)
    responses: int = 0
    records: int = 0


def erase_log(root: Path, folder: Path, eraser: Eraser) -> Erasure:
    """Rewrite the sealed segments of an account that hold people, and the bodies beside them. Its lock must be held.

    A rewritten segment is whole on disk before the old one is removed: after a kill this can be done again. Raises
    ValueError for a damaged body, and OSError.
    """
    erasure = Erasure()

    def erase(fields: Mapping[str, Any]) -> dict[str, Any] | None:
        batch_eraser = eraser.open_batch(fields["stream"], Window.parse("_".join(fields["window"])))
        erased = _erase_answer(root, folder, fields, batch_eraser)
        if erased is not None:
            erasure.responses += 1
            erasure.records += batch_eraser.records
        return erased

    erasure.numbers = rewrite_segments(folder, erase)
    (folder / INDEX_NAME).unlink(missing_ok=True)  # its free pages would keep what was erased
    for path in list_landed(folder / SAVED_INDEXES_NAME, ".zst"):
        remove_landed(path)
    remove_unreferenced_bodies(folder, LandingIndex(folder), ())
    settle_landed(folder)
    return erasure


@dataclass
class Holding:
    """What one stream of an account holds of people: windows of local days, batches, answers and records.

    Batches of the log are named by ``numbers``, those of earlier releases by ``batch_ids``.

    ``elsewhere`` counts the answers in which ``text`` stands where no personal data is expected: no erasure takes it
    out.
    """

    stream: str
    windows: set[tuple[str, ...]] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    responses: int = 0
    records: int = 0
    elsewhere: int = 0
    batch_ids: set[str] = field(default_factory=set)


def search_log(folder: Path, eraser: Eraser, text: str | None) -> list[Holding]:
    """Return what an account's log holds of people, by stream. Nothing is written.

    ``text`` is an id that is looked for everywhere; None for one too short for that. Raises ValueError for a damaged
    body, and OSError.
    """
    holdings: dict[str, Holding] = {}
    for segment in list_segments(folder):
        if segment.is_sealed:
            lines = scan_sealed(segment.path, segment.stem)[1]
        else:
            lines = scan_open(segment.path, segment.stem)[1]
        places = set()
        for place, fields in lines:
            if fields["kind"] != "answer":
                continue
            holding = holdings.setdefault(fields["stream"], Holding(fields["stream"]))
            if _search_answer(folder, fields, eraser, text, holding):
                places.add(place)
        for _, fields in lines:
            if fields["kind"] == "batch" and any(Place(*part) in places for part in fields["parts"]):
                holdings.setdefault(fields["stream"], Holding(fields["stream"])).numbers.add(fields["number"])
    return [holding for holding in holdings.values() if holding.responses]


def _search_answer(folder: Path, fields: Mapping[str, Any], eraser: Eraser, text: str | None, holding: Holding) -> bool:
    """Add an answer to a holding if it holds people; return whether it does."""
    batch_eraser = eraser.open_batch(fields["stream"], Window.parse("_".join(fields["window"])))
    wanted = text.encode() if text else b""
    digest, tail, is_elsewhere = hashlib.sha256(), b"", False
    for piece in batch_eraser.erase_body(iter_answer(folder, fields)):
        digest.update(piece)
        if wanted:
            is_elsewhere = is_elsewhere or wanted in tail + piece
            tail = piece[-len(wanted) :]
    described = (fields[name] for name in ("asked", "context", "headers"))
    is_held = digest.hexdigest() != fields.get("erased", fields)["sha256"]
    is_held = any([is_held, *(batch_eraser.erase_description(value) != value for value in described)])
    if is_held or is_elsewhere:
        holding.windows.add(tuple(fields["window"]))
        holding.responses += 1
        holding.records += batch_eraser.records
        holding.elsewhere += is_elsewhere
    return is_held or is_elsewhere


def iter_answer(folder: Path, fields: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the body of an answer line piece by piece. Raises ValueError for damage, and OSError."""
    if "body_file" not in fields:
        yield parse_inline_body(fields)
        return
    with open_unpacked(folder / BODIES_NAME / fields["body_file"]) as read:
        while piece := read(_PIECE_BYTES):
            yield piece


def _erase_answer(root: Path, folder: Path, fields: Mapping[str, Any], eraser: BatchEraser) -> dict[str, Any] | None:
    """Return the fields of an answer without the people; None when they are not in it."""
    body_fields = _erase_large_body(root, folder, fields, eraser) if "body_file" in fields else None
    if "body_file" not in fields:
        body = parse_inline_body(fields)
        erased_body = b"".join(eraser.erase_body([body]))
        if erased_body != body:
            body_fields = {"erased": _describe_body(erased_body), **build_body_text(erased_body)}
    erased = {
        **{name: value for name, value in fields.items() if body_fields is None or not name.startswith("body")},
        **(body_fields or {}),
        **{name: eraser.erase_description(fields[name]) for name in ("asked", "context", "headers")},
    }
    return erased if erased != dict(fields) else None


def _erase_large_body(
    root: Path, folder: Path, fields: Mapping[str, Any], eraser: BatchEraser
) -> dict[str, Any] | None:
    body = BodyFile(root, folder / BODIES_NAME, "_".join(fields["window"]))
    try:
        for piece in eraser.erase_body(iter_answer(folder, fields)):
            body.write(piece)
        if body.sha256 == fields.get("erased", fields)["sha256"]:
            return None
        erased = {"bytes": body.size, "sha256": body.sha256}
        return {"erased": erased, "body_file": body.finish()}
    finally:
        body.discard()


def _describe_body(body: bytes) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
