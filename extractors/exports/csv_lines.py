"""Counts the records of a CSV file while its bytes pass by. What the cells say is not looked at."""


class CsvRecordCounter:
    """Line ends outside of quotes, seen piece by piece: a quoted cell may hold line ends of its own."""

    def __init__(self) -> None:
        self._ends = 0
        self._last = b""
        self.is_inside_quotes = False

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes of the file."""
        if not piece:
            return
        self._last = piece[-1:]
        if b'"' not in piece:
            self._ends += 0 if self.is_inside_quotes else piece.count(b"\n")
            return
        *lines, rest = piece.split(b"\n")
        for line in lines:
            if line.count(b'"') % 2:  # a doubled quote inside a cell counts twice and changes nothing
                self.is_inside_quotes = not self.is_inside_quotes
            if not self.is_inside_quotes:
                self._ends += 1
        if rest.count(b'"') % 2:
            self.is_inside_quotes = not self.is_inside_quotes

    @property
    def record_count(self) -> int:
        """Records so far, the header and blank lines among them; the last one may lack its line end."""
        return self._ends + (0 if self._last in (b"", b"\n") else 1)

    @property
    def is_at_record_end(self) -> bool:
        """Whether the file ends where a line ends."""
        return self._last == b"\n" and not self.is_inside_quotes
