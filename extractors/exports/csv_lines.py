"""A counter of the records of a CSV file, fed while its bytes pass by. The contents of cells are not read."""

import codecs

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CsvRecordCounter:
    """Counts line ends and delimiters outside quotes, piece by piece: a quoted cell may contain both.

    A line end is LF, CR LF, or CR alone. ``delimiter_count`` shows a row with too many cells, ``has_nul`` a zero byte.
    A file that begins with the byte order mark of UTF-16 is counted by its characters.
    """

    def __init__(self, delimiter: str = ",") -> None:
        self._delimiter = delimiter.encode()
        self._start = b""
        self._is_begun = False
        self._utf_16: codecs.IncrementalDecoder | None = None
        self._line_ends = 0
        self._last_byte = b""
        self._last_outside = b""
        self._has_line_feeds = False
        self.is_inside_quotes = False
        self.delimiter_count = 0
        self.has_nul = False

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
        self.has_nul = self.has_nul or b"\0" in piece
        segments = piece.split(b'"')
        # joined by a quote, so that a CR before a quoted cell and an LF behind it are two line ends
        outside = b'"'.join(segments[1 if self.is_inside_quotes else 0 :: 2])
        if len(segments) % 2 == 0:  # a doubled quote inside a cell counts twice and changes nothing
            self.is_inside_quotes = not self.is_inside_quotes
        self.delimiter_count += outside.count(self._delimiter)
        line_feeds = outside.count(b"\n")
        self._line_ends += line_feeds
        self._has_line_feeds = self._has_line_feeds or line_feeds > 0
        if b"\r" in outside:
            self._line_ends += outside.count(b"\r") - outside.count(b"\r\n")
        if self._last_outside == b"\r" and piece[:1] == b"\n":
            self._line_ends -= 1  # one line end, cut into two pieces
        self._last_outside = b"" if self.is_inside_quotes else self._last_byte

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
