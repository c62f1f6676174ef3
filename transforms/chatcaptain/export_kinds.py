"""The kind of an exported file by its first bytes: CSV text, UTF-16 text, or a file that is no CSV at all.

What must not come in: the header and the rows of a CSV file.
"""

import codecs
from typing import NoReturn

from extractors.errors import ErrorLocation, ShapeError

_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16_CODECS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_PACKED = {
    b"PK\x03\x04": "a zip file or an Excel workbook",
    b"PK\x05\x06": "an empty zip file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"BZh": "a bzip2 file",
    b"7z\xbc\xaf": "a 7z file",
}
_OPENINGS = {"<": "an HTML or XML document", "{": "a JSON document", "[": "a JSON document"}
_SHOWN_BYTES = 60
_TAB = 9


def find_utf_16_codec(start: bytes) -> str | None:
    """Return Python's codec of a file that begins with a byte order mark of UTF-16; None for any other file."""
    if start.startswith(_UTF_32_MARKS):
        return None
    return _UTF_16_CODECS.get(start[:2])


def check_is_csv_text(start: bytes, where: ErrorLocation) -> None:
    """Raise ShapeError, naming the kind of file, for the start of a file that is empty or no CSV in UTF-8."""
    if not start:
        _refuse(where, "is empty; a file without conversations has a header", start)
    for magic, kind in _PACKED.items():
        if start.startswith(magic):
            _refuse(where, f"is {kind}, no CSV", start)
    if start.startswith(_UTF_32_MARKS):
        _refuse(where, "is UTF-32, no UTF-8 or UTF-16", start)
    text = start.decode("utf-8-sig", errors="replace").lstrip("\ufeff").lstrip()
    if text[:1] in _OPENINGS:
        _refuse(where, f"is {_OPENINGS[text[0]]}, no CSV", text[:_SHOWN_BYTES])
    if not text:
        _refuse(where, "holds blank lines only; a file without conversations has a header", start)
    head = start.lstrip().splitlines()[0][:_SHOWN_BYTES]
    if b"\0" in head:
        _refuse(where, "holds zero bytes: it is no CSV, or UTF-16 without a byte order mark", start)
    if any(byte < 32 and byte != _TAB for byte in head):
        _refuse(where, "is no text", start)


def _refuse(where: ErrorLocation, problem: str, seen: bytes | str) -> NoReturn:
    shown = seen if isinstance(seen, str) else f"bytes {seen[:12].hex(' ')}" if seen else "0 bytes"
    raise ShapeError(where, "file", problem, shown)
