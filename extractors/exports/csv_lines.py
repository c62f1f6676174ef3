"""A counter of the records of a CSV file, fed while its bytes pass by. The contents of cells are not read."""

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

DELIMITERS = (",", ";", "\t", "|")
"""The characters that are counted as delimiters; which of them one is, the header of the file shows."""

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvCounts:
    """The counts of a whole CSV file, landed with it, so that its reader need not count again.

    ``record_count`` is the number of records by line ends, with the header and blank lines. ``delimiter_counts`` are
    the delimiters outside quotes, by character. ``has_nul`` if there is a zero byte.
    """

    record_count: int
    delimiter_counts: Mapping[str, int]
    has_nul: bool

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, counts: object) -> Self | None:
        """Return the counts of ``to_json``; None for anything else."""
        if not isinstance(counts, dict) or counts.keys() != cls.__dataclass_fields__.keys():
            return None
        return cls(**counts)


class CsvRecordCounter:
    """Counts line ends and delimiters outside quotes, piece by piece: a quoted cell may contain both.

    A line end is LF, CR LF, or CR alone. A file that begins with the byte order mark of UTF-16 is counted by its
    characters.
    """

    def __init__(self) -> None:
        self._start = b""
        self._is_begun = False
        self._utf_16: codecs.IncrementalDecoder | None = None
        self._line_ends = 0
        self._last_byte = b""
        self._last_outside = b""
        self._has_line_feeds = False
        self._has_nul = False
        self._delimiter_counts = dict.fromkeys(DELIMITERS, 0)
        self.is_inside_quotes = False

    def feed(self, piece: bytes) -> None:
        """Count the next bytes of the file."""
        if not self._is_begun:
            piece = self._start + piece
            self._start, self._is_begun = piece, len(piece) > 1
            if not self._is_begun:
                return
            if piece.startswith(_UTF_16_MARKS):
                self._utf_16 = codecs.getincrementaldecoder("utf-16")("replace")
        if self._utf_16 is not None:
            piece = self._utf_16.decode(piece).encode("utf-8", "replace")
        if piece:
            self._count(piece)

    def _count(self, piece: bytes) -> None:
        self._last_byte = piece[-1:]
        self._has_nul = self._has_nul or b"\0" in piece
        segments = piece.split(b'"')
        # joined by a quote, so that a CR before a quoted cell and an LF behind it are two line ends
        outside = b'"'.join(segments[1 if self.is_inside_quotes else 0 :: 2])
        if len(segments) % 2 == 0:  # a doubled quote inside a cell counts twice and changes nothing
            self.is_inside_quotes = not self.is_inside_quotes
        for delimiter in DELIMITERS:
            self._delimiter_counts[delimiter] += outside.count(delimiter.encode())
        line_feeds = outside.count(b"\n")
        self._line_ends += line_feeds
        self._has_line_feeds = self._has_line_feeds or line_feeds > 0
        if b"\r" in outside:
            self._line_ends += outside.count(b"\r") - outside.count(b"\r\n")
        if self._last_outside == b"\r" and piece[:1] == b"\n":
            self._line_ends -= 1  # one line end, cut into two pieces
        self._last_outside = b"" if self.is_inside_quotes else self._last_byte

    @property
    def counts(self) -> CsvCounts:
        """The counts so far."""
        return CsvCounts(self.record_count, dict(self._delimiter_counts), self._has_nul)

    @property
    def record_count(self) -> int:
        """The records so far, header and blank lines included; the last one may lack its line end."""
        last_byte = self._last_byte if self._is_begun else self._start
        return self._line_ends + (0 if last_byte in (b"", b"\n", b"\r") else 1)

    @property
    def is_at_record_end(self) -> bool:
        """Whether the bytes so far end with the line end of a record.

        A CR at the end is one only where no line before it ends with an LF.
        """
        line_ends = (b"\n",) if self._has_line_feeds else (b"\n", b"\r")
        return self._last_byte in line_ends and not self.is_inside_quotes
