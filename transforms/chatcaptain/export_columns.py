"""The header of a ChatCaptain export: delimiter, line ends, and which column is which field. Rows are not read here.

Columns are found by name in any order; letter case, ``_``, spaces and hyphens do not matter. Source: docs/mapping.md.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class CsvHeader:
    """How a file is written: its columns in order, the column of each field, and the names that mean nothing here."""

    delimiter: str
    line_end: str
    names: tuple[str, ...]
    columns: Mapping[str, int]
    unknown_columns: tuple[str, ...]

    @property
    def has_conversation_rows(self) -> bool:
        """True for a row per conversation, False for totals per date and channel."""
        return "conversation_id" in self.columns


def read_header(start: bytes, overrides: Mapping[str, str], where: ErrorLocation) -> CsvHeader:
    """The header at the start of a file.

    ``overrides`` (header -> field) go before the accepted names; of several accepted names for one field the one that
    the reference lists first counts. Raises ShapeError when the columns tell neither conversations nor totals.
    """
    text = start.decode("utf-8-sig", errors="replace")
    line = _first_record(text)
    line_end = "\r\n" if line.endswith("\r\n") else "\n"
    chosen = {_plain(name): field for name, field in overrides.items()}
    read = [_read(line, delimiter, line_end, chosen) for delimiter in _DELIMITERS]
    header = max(read, key=lambda found: (len(found.columns), len(found.names)))
    _require(header, where)
    return header


def _read(line: str, delimiter: str, line_end: str, overrides: Mapping[str, str]) -> CsvHeader:
    names = tuple(next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), ()))
    plain = [_plain(name) for name in names]
    columns: dict[str, int] = {}
    for field, accepted in ACCEPTED_COLUMN_NAMES.items():
        overriding = [name for name, wanted in overrides.items() if wanted == field]
        candidates = [*overriding, *(name for name in accepted if name not in overrides)]
        found = next((name for name in candidates if name in plain), None)
        if found is not None:
            columns[field] = plain.index(found)
    used = set(columns.values())
    surplus = tuple(name for index, name in enumerate(names) if index not in used)
    return CsvHeader(delimiter, line_end, names, columns, surplus)


def _require(header: CsvHeader, where: ErrorLocation) -> None:
    told = [_plain(name) for name in header.names]
    for index in header.columns.values():
        if told.count(told[index]) > 1:
            raise ShapeError(where, "header", f"names the column {header.names[index]!r} twice", header.names)
    grain = "conversation_id" if header.has_conversation_rows else "conversations"
    needed = ("started_at",) if header.has_conversation_rows else ("conversations", "started_at", "channel_type")
    missing = [field for field in needed if field not in header.columns]
    if missing:
        what = f"has no column for {' and '.join(missing)} (rows of {grain}); export_columns can name one"
        raise ShapeError(where, "header", what, header.names)


def _first_record(text: str) -> str:
    quoted = False
    for position, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign == "\n" and not quoted:
            return text[: position + 1]
    return text


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", name)).casefold()
