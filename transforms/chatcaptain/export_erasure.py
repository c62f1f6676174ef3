"""Erasure of people from ChatCaptain's exported files: their lines lose all that is personal, and stay.

A line that holds nobody is written as it came. What must not come in: the reading of a file for the facts
(``export_reading.py``).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from extractors.account import Account
from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ErrorLocation, ShapeError
from transforms.chatcaptain.export_columns import CsvHeader, read_header
from transforms.chatcaptain.export_kinds import check_is_csv_text, find_utf_16_codec
from transforms.erasure import BatchPeople

_PIECE_LENGTH = 2**18
_LONGEST_CELL = 2**27
_TRANSFERRED = "forgotten"  # a conversation that was handed over still counts as one
_PERSONAL = ("user_id", "conversation_id", "transfer_target")


class ExportRecords:
    """Lines of single conversations, in a CSV file of any form that the program reads."""

    def erase(self, account: Account, pieces: Iterable[bytes], people: BatchPeople) -> Iterator[bytes]:
        """Yield the file piece by piece. A file that is no CSV, or holds totals, holds no person and stays."""
        pieces = iter(pieces)
        start = next(pieces, b"")
        codec = find_utf_16_codec(start)
        header = _read_header(account, start.decode(codec, "ignore").encode() if codec else start)
        if header is None or not header.has_conversation_rows:
            yield from chain([start], pieces)
            return
        # bytes that are no text are written as they came
        encoding, errors = (codec, "surrogatepass") if codec else ("utf-8", "surrogateescape")
        file = io.BufferedReader(_PieceReader(chain([start], pieces)))
        lines = io.TextIOWrapper(file, encoding, errors, newline="")
        waiting, size = [], 0
        for line in _erase_lines(lines, header, people):
            waiting.append(line)
            size += len(line)
            if size >= _PIECE_LENGTH:
                yield "".join(waiting).encode(encoding, errors)
                waiting, size = [], 0
        yield "".join(waiting).encode(encoding, errors)


def _read_header(account: Account, start: bytes) -> CsvHeader | None:
    overrides = account.export_columns if isinstance(account, ChatcaptainAccount) else {}
    where = ErrorLocation(account.provider, account.name)
    try:
        check_is_csv_text(start, where)
        return read_header(start, overrides, where)
    except ShapeError:
        return None


def _erase_lines(lines: Iterable[str], header: CsvHeader, people: BatchPeople) -> Iterator[str]:
    csv.field_size_limit(_LONGEST_CELL)
    fields = {index: field for field, index in header.columns.items()}
    left = 1 + header.has_delimiter_line
    for raw, cells in _iter_records(lines, header.delimiter):
        if left:
            left -= 1
            yield raw
        elif raw.count('"') % 2:  # a quote that never ends: written anew, the file would be another one
            yield people.replace_inside(raw)
        else:
            erased = _erase_cells(cells, fields, people)
            yield raw if erased == cells else _write_record(erased, header.delimiter, raw)


def _iter_records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each record as it stands in the file, and its cells."""
    raw: list[str] = []

    def keep_lines() -> Iterator[str]:
        for line in lines:
            raw.append(line)
            yield line

    for cells in csv.reader(keep_lines(), delimiter=delimiter):
        yield "".join(raw), cells
        raw.clear()
    yield "".join(raw), []


def _erase_cells(cells: Sequence[str], fields: dict[int, str], people: BatchPeople) -> list[str]:
    by_field = {fields.get(index, ""): cell for index, cell in enumerate(cells)}
    others = [cell for index, cell in enumerate(cells) if fields.get(index, "") in ("", "transfer_target")]
    is_theirs = by_field.get("conversation_id") in people.conversations or people.is_user(by_field.get("user_id", ""))
    if not is_theirs and not people.is_named_in(others):
        return [
            people.replace_inside(cell) if fields.get(index, "") in ("", *_PERSONAL) else cell
            for index, cell in enumerate(cells)
        ]
    people.records += 1
    return [_erase_cell(cell, fields.get(index, ""), people) for index, cell in enumerate(cells)]


def _erase_cell(cell: str, field: str, people: BatchPeople) -> str:
    if not cell or field not in ("", *_PERSONAL):
        return cell
    match field:
        case "user_id":
            return people.build_user_token(cell)
        case "conversation_id":
            return people.build_conversation_token(cell)
        case "transfer_target":
            return _TRANSFERRED
        case _:
            return ""


def _write_record(cells: Sequence[str], delimiter: str, raw: str) -> str:
    line_end = raw[len(raw.rstrip("\r\n")) :]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerow(cells)
    return text.getvalue()


class _PieceReader(io.RawIOBase):
    """A file of pieces of bytes, read once from its start."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; return the number of bytes, 0 at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
