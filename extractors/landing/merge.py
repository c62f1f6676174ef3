"""Merging sealed segments: those of a past month become one, and batches that are no longer needed are left out.

Called with the account's fetch lock held. A merged segment is whole on disk before those that it covers are removed, so
a kill at any moment loses nothing. Answers that belong to no batch are left out.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from extractors.landing.index import LandingIndex
from extractors.landing.landed_files import list_landed, measure_landed, remove_landed, settle_landed
from extractors.landing.lines import encode_line
from extractors.landing.log_batches import BODIES_NAME
from extractors.landing.segments import (
    Place,
    SegmentFile,
    list_replaced_segments,
    list_segments,
    scan_open,
    scan_sealed,
    write_sealed,
)


def merge_segments(folder: Path, dropped: Collection[int], now: datetime) -> int:
    """Merge an account's segments of each month before that of ``now`` (UTC); ``dropped`` batches are left out.

    Batches are named by their numbers. Return by how many bytes the folder shrank. Raises OSError.
    """
    before = _measure(folder)
    index = LandingIndex(folder)
    segments = list_segments(folder)
    sealed = [segment for segment in segments if segment.is_sealed]
    open_lines = [fields for file in segments if not file.is_sealed for _, fields in scan_open(file.path, file.stem)[1]]
    lines = {segment.stem: index.list_segment_lines(segment.stem) for segment in sealed}
    pinned = set(_list_referenced(open_lines))
    for group in _group_segments(sealed, lines, f"{now:%Y-%m}"):
        stems = {segment.stem for segment in group}
        has_dropped = any(line["number"] in dropped for stem in stems for line in lines[stem])
        if (len(group) > 1 or has_dropped) and not stems & pinned:
            _Merge(folder, index, group, frozenset(dropped)).run()
    for path in list_replaced_segments(folder):
        remove_landed(path)
    remove_unreferenced_bodies(folder, index, open_lines)
    settle_landed(folder)
    return before - _measure(folder)


def rewrite_segments(folder: Path, rewrite: Callable[[Mapping[str, Any]], dict[str, Any] | None]) -> set[int]:
    """Rewrite the sealed segments with an answer for which ``rewrite`` returns other fields. There is no open one.

    Answers that belong to no batch are left out of a rewritten segment. Return the numbers of the batches with a
    rewritten answer. Raises OSError.
    """
    index, numbers = LandingIndex(folder), set[int]()
    sealed = [segment for segment in list_segments(folder) if segment.is_sealed]
    lines = {segment.stem: index.list_segment_lines(segment.stem) for segment in sealed}
    labels = _join_referenced(sealed, lines, [segment.stem for segment in sealed])
    for _, pairs in groupby(zip(labels, sealed, strict=True), key=lambda pair: pair[0]):
        group = [segment for _, segment in pairs]
        rewritten = {
            place: fields
            for segment in group
            for place, line in scan_sealed(segment.path, segment.stem)[1]
            if line["kind"] == "answer" and (fields := rewrite(line)) is not None
        }
        if not rewritten:
            continue
        batch_lines = [line for segment in group for line in lines[segment.stem]]
        numbers |= {line["number"] for line in batch_lines if any(Place(*part) in rewritten for part in line["parts"])}
        _Merge(folder, index, group, frozenset(), rewritten).run()
    for path in list_replaced_segments(folder):
        remove_landed(path)
    return numbers


def _group_segments(
    sealed: Sequence[SegmentFile], lines: dict[str, list[dict[str, Any]]], present_month: str
) -> Iterator[list[SegmentFile]]:
    """Yield segments to be written as one: those of one past month, and those that name answers of each other."""
    month, labels = "", []
    for segment in sealed:
        month = max((line["landed_at"][:7] for line in lines[segment.stem]), default=month)
        labels.append(month if month < present_month else f"{present_month} {segment.stem}")
    joined = _join_referenced(sealed, lines, labels)
    for _, group in groupby(zip(joined, sealed, strict=True), key=lambda pair: pair[0]):
        yield [segment for _, segment in group]


def _join_referenced(
    sealed: Sequence[SegmentFile], lines: dict[str, list[dict[str, Any]]], labels: Sequence[str]
) -> list[str]:
    """Return the labels, the same one for segments between which a batch names answers."""
    joined, positions = list(labels), {segment.stem: number for number, segment in enumerate(sealed)}
    for number, segment in enumerate(sealed):
        named = [positions[stem] for stem in _list_referenced(lines[segment.stem]) if stem in positions]
        first = min(named, default=number)
        joined[first : number + 1] = [joined[first]] * (number + 1 - first)
    return joined


def _list_referenced(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the stem of each segment in which a batch has an answer."""
    for line in lines:
        if line["kind"] == "batch":
            yield from (part[0] for part in line["parts"])


@dataclass
class _Merge:
    """The writing of one merged segment."""

    folder: Path
    index: LandingIndex
    group: Sequence[SegmentFile]
    dropped: frozenset[int]
    rewritten: Mapping[Place, dict[str, Any]] = field(default_factory=dict)
    """The fields of answers that take the place of those that stand there."""
    _moved: dict[Place, Place] = field(default_factory=dict)
    _body_names: dict[str, str] = field(default_factory=dict)
    _batch_lines: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        first, last = self.group[0].first, self.group[-1].last
        generation = 1 + max(segment.generation for segment in self.group)
        stem = f"{first:06}-{last:06}.{generation}"
        file, frames = write_sealed(self.folder, stem, self._iter_kept_lines(stem))
        self.index.add_segment(file, frames, self._batch_lines, ended=True)

    def _iter_kept_lines(self, stem: str) -> Iterator[bytes]:
        wanted = self._find_wanted_places()
        offset = 0
        for segment in self.group:
            for place, fields in scan_sealed(segment.path, segment.stem)[1]:
                line = self._rewrite_line(place, fields, wanted)
                if line is None:
                    continue
                if "body_file" in line and line["body_file"] != fields.get("body_file"):
                    self._body_names[fields["body_file"]] = line["body_file"]
                encoded = encode_line(line)
                self._moved[place] = Place(stem, offset, len(encoded))
                offset += len(encoded)
                yield encoded
        yield encode_line({"kind": "sealed", "ended": True})

    def _rewrite_line(self, place: Place, fields: dict[str, Any], wanted: Collection[Place]) -> dict[str, Any] | None:
        """Return a line as it is kept, with the new places of its answers; None for one that is left out."""
        if fields["kind"] == "answer":
            return self.rewritten.get(place, fields) if place in wanted else None
        if fields["kind"] != "batch" or fields["number"] in self.dropped:
            return None
        # an answer that is damaged keeps its old place, where reading it fails
        line = {
            **fields,
            "parts": [self._moved.get(Place(*part), part) for part in fields["parts"]],
            "body_files": [self._body_names.get(name, name) for name in fields["body_files"]],
        }
        if "body_sizes" in fields:
            sizes = zip(line["body_files"], fields["body_files"], fields["body_sizes"], strict=True)
            line["body_sizes"] = [size if name == old else self._measure_body(name) for name, old, size in sizes]
        self._batch_lines.append(line)
        return line

    def _measure_body(self, name: str) -> int:
        return measure_landed(self.folder / BODIES_NAME / name)

    def _find_wanted_places(self) -> set[Place]:
        lines = [line for segment in self.group for line in self.index.list_segment_lines(segment.stem)]
        return {Place(*part) for line in lines if line["number"] not in self.dropped for part in line["parts"]}


def remove_unreferenced_bodies(folder: Path, index: LandingIndex, open_lines: Iterable[dict[str, Any]]) -> None:
    """Remove the bodies of batches that are gone. Those that an unfinished batch has landed already stay."""
    named = index.list_body_files()
    named.update(name for line in open_lines for name in line.get("body_files", ()))
    named.update(line["body_file"] for line in open_lines if "body_file" in line)
    for path in list_landed(folder / BODIES_NAME, ".zst"):
        if path.name not in named:
            remove_landed(path)


def _measure(folder: Path) -> int:
    return sum(path.stat().st_size for path in (*folder.glob("*.jsonl*"), *(folder / BODIES_NAME).glob("*")))
