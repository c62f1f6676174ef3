"""The standard streams and arguments of the command on a terminal of any encoding: no character stops a command.

What must not come in: the texts, the formats of results.
"""

import codecs
import io
import os
import sys

_ESCAPES = "chatmart.escapes"


def prepare_streams() -> None:
    r"""Let the output escape what its encoding lacks, as ``\u00dc``, which JSON reads; read ASCII input as UTF-8."""
    codecs.register_error(_ESCAPES, _escape_characters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)
    if isinstance(sys.stdin, io.TextIOWrapper) and codecs.lookup(sys.stdin.encoding).name == "ascii":
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")


def write_utf8() -> None:
    """Let standard output be UTF-8 in any locale: for data that programs read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=_ESCAPES)


def decode_argument(argument: str) -> str:
    """Return an argument that is no path, read as UTF-8. In the locale C, Python may have read it as ASCII.

    Raises UnicodeError for one that is no UTF-8.
    """
    return os.fsencode(argument).decode("utf-8") if not argument.isascii() else argument


def _escape_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end
