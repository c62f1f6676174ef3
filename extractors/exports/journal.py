"""The journal of export jobs: intentions and job ids of one account, landed. Nothing is requested here.

Its keys are ``purpose``, ``at`` and ``id``. In an object store a change is written only if the journal is still the one
that was read: of two machines that intend the same export one is refused, whether they hold the fetch lock or not.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from extractors.landing.files import make_private_folder
from extractors.landing.landed_files import read_document, set_document_aside, write_document

log = logging.getLogger("chatmart.extractors")

_KEEP_FOR = timedelta(days=1)


@dataclass(frozen=True)
class ExportRequest:
    """The contents of a job: the bot at the provider, and the range as it is sent."""

    bot: str
    start: str
    end: str


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal. ``requested_at`` is in UTC; ``job_id`` is None until the creation has succeeded."""

    export_request: ExportRequest
    requested_at: datetime
    job_id: str | None = None


@dataclass(frozen=True)
class JournalState:
    """All entries of a journal, oldest first, and the version of what was read; None on a disk."""

    entries: tuple[JournalEntry, ...] = ()
    version: str | None = None

    def find_entry(self, export_request: ExportRequest) -> JournalEntry | None:
        """Return the entry of this export, None when it has none."""
        return next((entry for entry in self.entries if entry.export_request == export_request), None)

    def with_entry(self, entry: JournalEntry) -> list[JournalEntry]:
        """Return the entries with a new one in place of one for the same export, without those a day away."""
        others = [
            other
            for other in self.entries
            # one that is dated far ahead, by a clock that was wrong, would stay for ever
            if other.export_request != entry.export_request and abs(entry.requested_at - other.requested_at) < _KEEP_FOR
        ]
        return [*others, entry]


@dataclass(frozen=True)
class Journal:
    """The recent jobs of one account, intended or started. Every change is landed when its method returns."""

    path: Path

    def read(self) -> JournalState:
        """Return what the journal holds.

        One that cannot be read is set aside and named in the log: the account goes on without it. Raises OSError.
        """
        content, version = read_document(self.path)
        if content is None:
            return JournalState()
        try:
            return JournalState(tuple(_parse_entry(line) for line in json.loads(content)), version)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            reason = str(error)
        aside = self.path.with_name(f"{self.path.name}.damaged")
        set_document_aside(self.path, aside, content)
        log.error(
            "%s cannot be read (%s), so it is set aside as %s; an export that it named may be started once more",
            *(self.path, reason, aside.name),
        )
        return JournalState()

    def intend(self, entry: JournalEntry, state: JournalState) -> bool:
        """Add the intention of a job to what was read.

        Return False when another machine has changed the journal since: what it says now must be read before a job may
        be requested.
        """
        return self._write_entries(state.with_entry(entry), state.version)

    def write_entry(self, entry: JournalEntry) -> None:
        """Add an entry in place of an earlier one for the same export; drop entries a day away from it."""
        self._change(lambda state: state.with_entry(entry))

    def remove_entry(self, export_request: ExportRequest) -> None:
        """Remove the entry of an export."""
        self._change(lambda state: [entry for entry in state.entries if entry.export_request != export_request])

    def _change(self, change: Callable[[JournalState], list[JournalEntry]]) -> None:
        """Write a change of what the journal holds, again until no other machine comes in between."""
        state = self.read()
        while not self._write_entries(change(state), state.version):
            state = self.read()

    def _write_entries(self, entries: list[JournalEntry], version: str | None) -> bool:
        lines = [
            {"purpose": asdict(entry.export_request), "at": entry.requested_at.isoformat(), "id": entry.job_id}
            for entry in entries
        ]
        make_private_folder(self.path.parent, self.path.parent)
        content = json.dumps(lines, ensure_ascii=False, allow_nan=False)
        return write_document(self.path, content.encode(), version)


def _parse_entry(line: Any) -> JournalEntry:
    """Return an entry of the file. Raises ValueError, TypeError or LookupError for any other value."""
    entry = JournalEntry(ExportRequest(**line["purpose"]), datetime.fromisoformat(line["at"]), line["id"])
    texts = (entry.export_request.bot, entry.export_request.start, entry.export_request.end, entry.job_id or "")
    if not all(isinstance(text, str) for text in texts) or entry.requested_at.tzinfo is None:
        raise ValueError("an entry of another kind")
    return entry
