"""A counter of the records of a CSV file, fed while its bytes pass by. The contents of cells are not read."""


class CsvRecordCounter:
    """Counts line ends outside quotes, piece by piece: a quoted cell may contain line ends of its own."""

    def __init__(self) -> None:
        self._line_ends = 0
        self._last_byte = b""
        self.is_inside_quotes = False

    def feed(self, piece: bytes) -> None:
        """Count the next bytes of the file."""
        if not piece:
            return
        self._last_byte = piece[-1:]
        if b'"' not in piece:
            self._line_ends += 0 if self.is_inside_quotes else piece.count(b"\n")
            return
        *lines, rest = piece.split(b"\n")
        for line in lines:
            if line.count(b'"') % 2:  # a doubled quote inside a cell counts twice and changes nothing
                self.is_inside_quotes = not self.is_inside_quotes
            if not self.is_inside_quotes:
                self._line_ends += 1
        if rest.count(b'"') % 2:
            self.is_inside_quotes = not self.is_inside_quotes

    @property
    def record_count(self) -> int:
        """The records so far, header and blank lines included; the last one may lack its line end."""
        return self._line_ends + (0 if self._last_byte in (b"", b"\n") else 1)

    @property
    def is_at_record_end(self) -> bool:
        """Whether the bytes so far end with the line end of a record."""
        return self._last_byte == b"\n" and not self.is_inside_quotes
