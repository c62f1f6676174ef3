"""Standard output that says it is a terminal."""

import io


class Terminal(io.StringIO):
    """Text in memory that a program takes for a window."""

    def isatty(self) -> bool:
        return True
