"""The header of a ChatCaptain export: delimiter, line ends, and the column of each field.

Columns may stand in any order; letter case, ``_``, spaces and hyphens in their names do not matter. A first line
``sep=;`` names the delimiter. Source: docs/mapping.md. What must not come in: the rows (``export.py``).
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

from extractors.errors import ErrorLocation, ShapeError

ACCEPTED_COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "conversation_id": ("conversationid", "conversation", "id"),
    "started_at": ("startedat", "starttime", "createdat", "timestamp", "date", "datum"),
    "ended_at": ("endedat", "endtime"),
    "channel_id": ("channelid",),
    "channel_type": ("channeltype", "channel", "kanal"),
    "language": ("language", "sprache"),
    "messages": ("messages", "messagecount", "nachrichten"),
    "user_messages": ("usermessages", "userinputs"),
    "interactions": ("interactions", "interactioncount"),
    "intents": ("intents", "intent"),
    "intent_score": ("intentscore", "score"),
    "duration_seconds": ("durationseconds", "duration", "callduration"),
    "end_reason": ("endreason", "callendreason"),
    "transfer_target": ("transfertarget",),
    "user_id": ("contactid", "userid"),
    "conversations": ("conversations", "conversationcount", "gespräche"),
}
_DELIMITERS = (",", ";", "\t")
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?(\r\n|\r|\n)', re.IGNORECASE)
_DELIMITERS_OF_THAT_LINE = (*_DELIMITERS, "|")
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class CsvHeader:
    """The form of a file: its column names in order, the column index of each field, and the unknown column names.

    ``line_end`` is LF, CR LF or CR. ``has_delimiter_line`` if a line ``sep=;`` precedes the header.
    """

    delimiter: str
    line_end: str
    names: tuple[str, ...]
    columns: Mapping[str, int]
    unknown_columns: tuple[str, ...]
    has_delimiter_line: bool = False

    @property
    def has_conversation_rows(self) -> bool:
        """Whether a row is one conversation; otherwise it is a total per date and channel."""
        return "conversation_id" in self.columns


def read_header(start: bytes, overrides: Mapping[str, str], where: ErrorLocation) -> CsvHeader:
    """Return the header at the start of a file.

    ``overrides`` (column name to field) precede the accepted names. Of several accepted names for one field the first
    in ``ACCEPTED_COLUMN_NAMES`` counts. Raises ShapeError when the columns hold neither conversations nor totals, when
    two columns have the name of one field, when a name holds a line break, and when no line end follows the header.
    """
    text = start.decode("utf-8-sig", errors="replace").lstrip("\ufeff")
    delimiters: tuple[str, ...] = _DELIMITERS
    delimiter_line = _DELIMITER_LINE.match(text)
    if delimiter_line:
        text, delimiters = text[delimiter_line.end() :], (delimiter_line[1],)
        if delimiters[0] not in _DELIMITERS_OF_THAT_LINE:
            raise ShapeError(where, "line 1", "names no delimiter that is read (, ; | or tab)", delimiter_line[0])
    line, line_end = _split_first_record(text)
    if "\N{REPLACEMENT CHARACTER}" in line:
        raise ShapeError(where, "header", "is not UTF-8", line[:_SHOWN_CHARACTERS])
    plain_overrides = {_plain_name(name): field for name, field in overrides.items()}
    headers = [_read_with_delimiter(line, delimiter, line_end, plain_overrides) for delimiter in delimiters]
    header = max(headers, key=lambda header: (len(header.columns), len(header.names)))
    _check_columns(header, where)
    if not line_end:
        problem = "ends within its header: no line end and no row comes after it, so it may be cut short"
        raise ShapeError(where, "file", problem, line[-_SHOWN_CHARACTERS:])
    return replace(header, has_delimiter_line=delimiter_line is not None)


def _read_with_delimiter(line: str, delimiter: str, line_end: str, overrides: Mapping[str, str]) -> CsvHeader:
    names = tuple(next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), ()))
    plain_names = [_plain_name(name) for name in names]
    columns: dict[str, int] = {}
    for field, accepted in ACCEPTED_COLUMN_NAMES.items():
        overriding = [name for name, overridden in overrides.items() if overridden == field]
        candidates = [*overriding, *(name for name in accepted if name not in overrides)]
        column_name = next((name for name in candidates if name in plain_names), None)
        if column_name is not None:
            columns[field] = plain_names.index(column_name)
    used = set(columns.values())
    unknown = tuple(name for index, name in enumerate(names) if index not in used)
    return CsvHeader(delimiter, line_end, names, columns, unknown)


def _check_columns(header: CsvHeader, where: ErrorLocation) -> None:
    plain_names = [_plain_name(name) for name in header.names]
    for name in header.names:
        if "\n" in name or "\r" in name:
            raise ShapeError(where, "header", "has a line break within a column's name", name)
    for index in header.columns.values():
        if plain_names.count(plain_names[index]) > 1:
            raise ShapeError(where, "header", f"names the column {header.names[index]!r} twice", header.names)
    grain = "conversation_id" if header.has_conversation_rows else "conversations"
    required = ("started_at",) if header.has_conversation_rows else ("conversations", "started_at", "channel_type")
    missing = [field for field in required if field not in header.columns]
    if missing:
        problem = f"has no column for {' and '.join(missing)} (rows of {grain}); export_columns can name one"
        raise ShapeError(where, "header", problem, header.names)


def _split_first_record(text: str) -> tuple[str, str]:
    """Return the first line and its line end, LF, CR LF or CR outside quotes; no line end for a text without one."""
    is_quoted = False
    for position, character in enumerate(text):
        if character == '"':
            is_quoted = not is_quoted
        elif character in "\r\n" and not is_quoted:
            line_end = "\r\n" if text.startswith("\r\n", position) else character
            return text[:position], line_end
    return text, ""


def _plain_name(name: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", name)).casefold()
